using System.Net;
using TunnelMesh.Node.Nat;
using TunnelMesh.Platform.NetworkMonitor;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Tests.Nat;

public class StunServersTests
{
    private static string[] Of(string[] stun, params string[] reached) =>
        [.. StunServers.Of([new MapCoordinator { Name = "hub", Urls = [], Stun = stun, RoleCertificate = [] }], reached.Select(IPAddress.Parse), a => a.ToString().StartsWith("10.42.", StringComparison.Ordinal))
            .Select(s => s.ToString())];

    [Fact]
    public void Where_a_coordinator_was_reached_comes_first_with_the_port_it_lists() =>
        Assert.Equal(["203.0.113.9:4000", "192.168.1.5:4000", "[2001:db8::5]:4000"], Of(["192.168.1.5:4000", "[2001:db8::5]:4000", "203.0.113.9:4000"], "::ffff:203.0.113.9"));

    [Fact]
    public void Where_it_was_reached_both_of_its_ports_are_asked() =>
        Assert.Equal(["203.0.113.9:3478", "203.0.113.9:3479", "192.168.1.5:3478", "192.168.1.5:3479"], Of(["192.168.1.5:3478", "192.168.1.5:3479"], "203.0.113.9"));

    [Fact]
    public void What_cannot_be_asked_is_left_out() =>
        Assert.Equal(["192.0.2.1:3478"], Of(["", "x", "192.0.2.1", "192.0.2.1:0", "10.42.0.1:3478", "127.0.0.1:3478", "224.0.0.1:3478", "192.0.2.1:3478", new string('1', 70)], "127.0.0.1"));

    [Theory]
    [InlineData("4", "192.0.2.1:3478")]
    [InlineData("6", "[2001:db8::1]:3478")]
    [InlineData("46", "192.0.2.1:3478 [2001:db8::1]:3478")]
    [InlineData("", "192.0.2.1:3478 [2001:db8::1]:3478")]
    public void Only_servers_of_a_family_that_the_machine_has_are_asked(string families, string expected)
    {
        InterfaceAddress[] addresses = [.. families.Select(f => new InterfaceAddress("eth0", IPAddress.Parse(f == '4' ? "192.168.1.5" : "fd00::5")))];
        UdpEndpoint[] all = [.. new[] { "192.0.2.1:3478", "[2001:db8::1]:3478" }.Select(t => UdpEndpoint.From(IPEndPoint.Parse(t)))];
        Assert.Equal(expected, string.Join(' ', StunServers.Askable(all, new NetworkState(addresses, null, null)).Select(s => s.ToString())));
    }

    [Fact]
    public void Without_a_list_nobody_is_asked_and_a_long_one_is_cut()
    {
        Assert.Empty(Of([], "203.0.113.9"));
        Assert.Equal(StunProbe.MaxServers, Of([.. Enumerable.Range(1, 40).Select(i => $"192.0.2.{i}:3478")]).Length);
    }
}
