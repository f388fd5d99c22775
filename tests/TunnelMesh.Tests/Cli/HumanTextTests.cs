using TunnelMesh.Cli.Commands;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Tests.Cli;

public sealed class HumanTextTests
{
    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(long.MaxValue, "8.0 EiB")]
    public void Sizes_have_binary_units(long bytes, string expected) => Assert.Equal(expected, HumanText.Bytes(bytes));

    [Theory]
    [InlineData(-5, "0 s")]
    [InlineData(59, "59 s")]
    [InlineData(3725, "1 h 2 min")]
    [InlineData(90000, "1 d 1 h")]
    public void Durations_have_their_two_largest_units(int seconds, string expected) => Assert.Equal(expected, HumanText.Duration(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void Peers_are_one_line_each_by_name_and_are_not_folded_in_a_pipe()
    {
        using StringWriter output = new();
        PeerReport peer = new()
        {
            Name = "laptop-with-a-rather-long-name-that-is-still-a-dns-label-of-63x",
            PeerId = "0123456789abcdef",
            DeviceId = new string('a', 32),
            MeshIp = "10.42.99.255",
            MeshIp6 = "fd00::1",
            Online = true,
            Path = "udp",
            Endpoint = "[2001:db8:1111:2222:3333:4444:5555:6666]:65535",
            RttMs = 123.45,
            RxBytes = 1L << 50,
            TxBytes = 1023,
            LastHandshake = DateTimeOffset.UnixEpoch,
        };
        PeersCommand.Print([peer, peer with { Name = "a" }], output, DateTimeOffset.UnixEpoch.AddSeconds(61));
        string[] lines = output.ToString().TrimEnd().Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.StartsWith("a ", lines[1], StringComparison.Ordinal);
        Assert.All(lines, line => Assert.True(line.TrimEnd().Length <= 200, line));
        Assert.Contains("123.5 ms", lines[2], StringComparison.Ordinal);
        Assert.Contains("1.0 PiB", lines[2], StringComparison.Ordinal);
        Assert.Contains("1 min 1 s ago", lines[2], StringComparison.Ordinal);
    }
}
