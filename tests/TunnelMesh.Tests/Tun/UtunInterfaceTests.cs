using System.Net;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Tests.Tun;

public class UtunInterfaceTests
{
    private static readonly TunOptions Options = new()
    {
        Name = "tun-mesh0",
        Mtu = 1400,
        Addresses = [new TunAddress(IPAddress.Parse("10.42.0.7"), 16), new TunAddress(IPAddress.Parse("fd00:1:2::7"), 64)],
        Routes = [IPNetwork.Parse("10.43.0.0/16"), IPNetwork.Parse("fd00:9::/48")],
    };

    [Fact]
    public void MTU_flags_addresses_and_routes_are_set_in_this_order()
    {
        FakeMacOSNetwork network = new();
        Assert.Equal(Options.Addresses, UtunInterface.Configure(network, "utun4", 23, Options));
        Assert.Equal(
            [
                "utun4 v4 mtu 1400",
                "utun4 v4 flags?",
                "utun4 v4 flags 8011",
                "utun4 v4 address 10.42.0.7",
                "route 10.42.0.0 into 23",
                "utun4 v6 address fd00:1:2::7",
                "route fd00:1:2:: into 23",
                "route 10.43.0.0 into 23",
                "route fd00:9:: into 23",
            ],
            network.Asked);
    }

    [Fact]
    public void Without_IPv6_on_the_machine_IPv4_works_on()
    {
        FakeMacOSNetwork network = new() { Answer = line => line.Contains("v6", StringComparison.Ordinal) ? 47 : 0 };
        Assert.Equal([Options.Addresses[0]], UtunInterface.Configure(network, "utun4", 23, Options));
        Assert.DoesNotContain(network.Asked, l => l.StartsWith("route fd", StringComparison.Ordinal));
        Assert.Contains("route 10.43.0.0 into 23", network.Asked);
    }

    [Theory]
    [InlineData("utun4 v4 mtu 1400", 22, TunError.Failed, "set the MTU of the interface utun4")]
    [InlineData("utun4 v4 address 10.42.0.7", 1, TunError.NotPermitted, "sudo")]
    [InlineData("utun4 v6 address fd00:1:2::7", 22, TunError.Failed, "give the address fd00:1:2::7 to the interface utun4")]
    [InlineData("route 10.42.0.0 into 23", 17, TunError.Failed, "has a route for 10.42.0.0/16 already")]
    [InlineData("route fd00:9:: into 23", 51, TunError.Failed, "route fd00:9::/48 into the interface utun4")]
    public void A_refusal_names_what_was_refused(string line, int errno, TunError error, string words)
    {
        FakeMacOSNetwork network = new() { Answer = l => l == line ? errno : 0 };
        TunException e = Assert.Throws<TunException>(() => UtunInterface.Configure(network, "utun4", 23, Options));
        Assert.Equal(error, e.Error);
        Assert.Contains(words, e.Message, StringComparison.Ordinal);
    }
}
