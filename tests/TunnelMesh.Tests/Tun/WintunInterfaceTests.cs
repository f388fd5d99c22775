using System.Net;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Tests.Tun;

public class WintunInterfaceTests
{
    private const ulong Luid = 0xabc;
    private static readonly TunOptions Options = new()
    {
        Name = "tun-mesh0",
        Mtu = 1400,
        Addresses = [new TunAddress(IPAddress.Parse("10.42.0.7"), 16), new TunAddress(IPAddress.Parse("fd00:1::7"), 64)],
        Routes = [IPNetwork.Parse("10.43.0.0/16"), IPNetwork.Parse("fd00:9::/48")],
    };

    [Fact]
    public void MTU_addresses_and_routes_are_set_by_the_number_of_the_adapter()
    {
        FakeIpHelper ip = new();
        Assert.Equal(Options.Addresses, Configure(ip));
        Assert.Equal(
            [
                "interface 2 abc?",
                "interface 2 abc mtu 1400 routers 0 detection 0 managed 0 site 0",
                "interface 23 abc?",
                "interface 23 abc mtu 1400 routers 0 detection 0 managed 0 site 64",
                "address 10.42.0.7/16 on abc state 4 lifetimes -1 -1",
                "address fd00:1::7/64 on abc state 4 lifetimes -1 -1",
                "route 10.43.0.0/16 on abc by 0.0.0.0 metric 0",
                "route fd00:9::/48 on abc by :: metric 0",
            ],
            ip.Asked);
    }

    [Fact]
    public void What_the_system_attaches_a_moment_later_is_waited_for()
    {
        int looks = 0, pauses = 0;
        FakeIpHelper ip = new() { Answer = line => line.EndsWith('?') && ++looks < 4 ? 1168 : 0 };
        Assert.Equal(Options.Addresses, WintunInterface.Configure(ip, Luid, Options, _ => pauses++));
        Assert.Equal(3, pauses);
    }

    [Fact]
    public void Without_IPv6_on_the_machine_IPv4_works_on_after_a_second()
    {
        TimeSpan waited = default;
        FakeIpHelper ip = new() { Answer = line => line == "interface 23 abc?" ? 1168 : 0 };
        Assert.Equal([Options.Addresses[0]], WintunInterface.Configure(ip, Luid, Options, pause => waited += pause));
        Assert.InRange(waited, TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(1));
        Assert.Equal("route 10.43.0.0/16 on abc by 0.0.0.0 metric 0", ip.Asked[^1]);
    }

    [Fact]
    public void Without_IPv4_there_is_no_interface()
    {
        TimeSpan waited = default;
        FakeIpHelper ip = new() { Answer = line => line == "interface 2 abc?" ? 1168 : 0 };
        Assert.Equal(TunError.Failed, Assert.Throws<TunException>(() => WintunInterface.Configure(ip, Luid, Options, pause => waited += pause)).Error);
        Assert.InRange(waited, TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(5));
    }

    [Theory]
    [InlineData("interface 2 abc mtu", 5, TunError.NotPermitted, "administrator")]
    [InlineData("interface 23 abc mtu", 87, TunError.Failed, "set the MTU for IPv6 of the interface tun-mesh0")]
    [InlineData("address 10.42", 5010, TunError.Failed, "10.42.0.7 belongs to another network interface")]
    [InlineData("address fd00", 87, TunError.Failed, "give the address fd00:1::7/64 to the interface tun-mesh0")]
    [InlineData("route 10.43", 87, TunError.Failed, "route 10.43.0.0/16 into the interface tun-mesh0")]
    public void A_refusal_names_what_was_refused(string line, int code, TunError error, string words)
    {
        FakeIpHelper ip = new() { Answer = l => l.StartsWith(line, StringComparison.Ordinal) ? code : 0 };
        TunException e = Assert.Throws<TunException>(() => Configure(ip));
        Assert.Equal(error, e.Error);
        Assert.Contains(words, e.Message, StringComparison.Ordinal);
    }

    private static List<TunAddress> Configure(FakeIpHelper ip) => WintunInterface.Configure(ip, Luid, Options, _ => Assert.Fail("nothing to wait for"));
}
