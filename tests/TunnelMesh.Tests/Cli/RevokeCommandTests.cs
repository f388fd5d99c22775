using TunnelMesh.Cli.Commands;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Tests.Cli;

public sealed class RevokeCommandTests
{
    private static readonly PeerReport[] Peers = [Peer("nas", 1, 7), Peer("laptop", 2, 8), Peer("laptop-2", 3, 8)];

    [Theory]
    [InlineData("Laptop")]
    [InlineData("10.42.0.2")]
    [InlineData("fd00::2")]
    [InlineData("00000000000000000000000000000002")]
    public void A_device_is_found_by_name_address_and_ID(string which)
    {
        Assert.Equal("laptop", Assert.Single(RevokeCommand.Find(Peers, which, user: false)).Name);
        Assert.Equal(["laptop", "laptop-2"], RevokeCommand.Find(Peers, which, user: true).Select(p => p.Name));
    }

    [Fact]
    public void A_peer_ID_means_a_user_only_when_a_user_is_meant()
    {
        Assert.Equal("nas", Assert.Single(RevokeCommand.Find(Peers, "0000000000000007", user: true)).Name);
        LocalApiException missing = Assert.Throws<LocalApiException>(() => RevokeCommand.Find(Peers, "0000000000000007", user: false));
        Assert.Equal(LocalErrorCodes.NotFound, missing.Code);
    }

    [Fact]
    public void Whoever_takes_anothers_ID_as_a_name_is_not_hit_for_it_nor_shields_it()
    {
        PeerReport[] peers = [Peer("00000000000000000000000000000001", 9, 5), Peer("0000000000000007", 8, 6), .. Peers];
        foreach ((string which, bool user) in new[] { ("00000000000000000000000000000001", false), ("00000000000000000000000000000001", true), ("0000000000000007", true) })
        {
            LocalApiException refused = Assert.Throws<LocalApiException>(() => RevokeCommand.Find(peers, which, user));
            Assert.Equal(LocalErrorCodes.Failed, refused.Code);
            Assert.Contains("mesh address", refused.Message, StringComparison.Ordinal);
        }
        Assert.Equal("nas", Assert.Single(RevokeCommand.Find(peers, "10.42.0.1", user: false)).Name);
    }

    [Fact]
    public void A_device_that_has_left_is_meant_by_its_ID_alone()
    {
        string gone = 9.ToString("X32");
        Assert.Equal(gone.ToLowerInvariant(), RevokeCommand.GoneDevice(Peers, gone, user: false)?.DeviceId);
        Assert.Null(RevokeCommand.GoneDevice(Peers, gone, user: true));
        Assert.Null(RevokeCommand.GoneDevice(Peers, 2.ToString("x32"), user: false));
        Assert.Null(RevokeCommand.GoneDevice(Peers, "laptop", user: false));
        Assert.Null(RevokeCommand.GoneDevice([Peer(gone.ToLowerInvariant(), 4, 4)], gone, user: false));
    }

    [Fact]
    public void A_name_that_is_near_is_asked_for_and_not_hit()
    {
        Assert.Contains("is called `latpop`. Did you mean `laptop`?", Assert.Throws<LocalApiException>(() => RevokeCommand.Find(Peers, "latpop", user: false)).Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Did you mean", Assert.Throws<LocalApiException>(() => RevokeCommand.Find(Peers, "printer", user: true)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nobody")]
    [InlineData("")]
    public void What_nobody_is_called_is_not_found(string which)
    {
        Assert.Throws<LocalApiException>(() => RevokeCommand.Find(Peers, which, user: false));
        Assert.Throws<LocalApiException>(() => RevokeCommand.Find(Peers, which, user: true));
    }

    private static PeerReport Peer(string name, int number, int user) => new()
    {
        Name = name,
        PeerId = user.ToString("x16"),
        DeviceId = number.ToString("x32"),
        MeshIp = $"10.42.0.{number}",
        MeshIp6 = $"fd00::{number}",
        Online = true,
        Path = "udp",
    };
}
