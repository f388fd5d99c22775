using TunnelMesh.Node.Control;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.ExitNode;
using TunnelMesh.Node.Paths;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Tests.NodeControl;

namespace TunnelMesh.Tests.ExitNode;

public sealed class ExitChoiceTests
{
    private static readonly MapDevice Self = NetworkMapTests.Device("self", 1), Berlin = NetworkMapTests.Device("berlin", 2) with { AllowsExit = true, Online = true }, Nas = NetworkMapTests.Device("nas", 3) with { Online = true };

    private static NetworkMap Map(params MapDevice[] devices) => NetworkMap.FromFull(
        NetworkMapTests.Full(devices), new byte[32], null, new KeyPins(new Dictionary<string, string>(), _ => { }), DateTimeOffset.UnixEpoch).Map;

    [Theory]
    [InlineData("berlin", ExitState.Offline, true)]
    [InlineData("Berlin.tunnelmesh", ExitState.Offline, true)]
    [InlineData("10.42.0.2", ExitState.Offline, true)]
    [InlineData("nas", ExitState.NotOffered, false)]
    [InlineData("self", ExitState.Self, false)]
    [InlineData("nobody", ExitState.Unknown, false)]
    public void It_must_be_another_device_that_lets_traffic_out(string name, ExitState state, bool usable)
    {
        ExitChoice choice = ExitChoice.Of(Map(Self, Berlin, Nas), name, Self.Id);
        Assert.Equal((state, usable ? Berlin.Id : null), (choice.State, choice.Device?.Id));
    }

    [Fact]
    public void A_device_that_is_away_may_come_back_as_one()
    {
        Assert.Equal(ExitState.Offline, ExitChoice.Of(Map(Self, Nas with { Online = false }), "nas", Self.Id).State);
        Assert.Equal(ExitState.Starting, ExitChoice.Of(null, "nas", Self.Id).State);
    }

    [Fact]
    public void Those_who_let_traffic_out_are_told_by_name() => Assert.Equal(["berlin"], ExitChoice.Offers(Map(Self, Nas, Berlin), Self.Id));

    [Fact]
    public void The_exit_peer_carries_the_internet_beside_its_own_addresses()
    {
        Dictionary<string, PeerSpec> peers = MapPeers.Build(Map(Self, Berlin, Nas), Self.Id, [], [], [PathTransport.Udp], Berlin.Id).ToDictionary(p => p.Name);
        Assert.Equal([.. peers["berlin"].AllowedPrefixes.Take(1), .. ExitTraffic.Prefixes], peers["berlin"].AllowedPrefixes);
        Assert.True(peers["berlin"].Exit);
        Assert.Single(peers["nas"].AllowedPrefixes);
        Assert.False(peers["nas"].Exit);
    }
}
