using System.Net;
using TunnelMesh.Platform.Exit;
using TunnelMesh.Platform.NetworkMonitor;

namespace TunnelMesh.Tests.Exit;

/// <summary>The rules of macOS, word for word: no pf is at hand to ask.</summary>
public sealed class PfRulesTests
{
    private static readonly IPNetwork Range4 = IPNetwork.Parse("10.42.0.0/16"), Range6 = IPNetwork.Parse("fd12:3456:789a::/48");

    private const string Exceptions = """
        pass out on lo0 all no state tag tunnelmesh
        pass out on utun5 all no state tag tunnelmesh
        pass out on ! utun5 proto { tcp, udp } all group 29805 no state tag tunnelmesh
        block drop out quick inet from any to 10.42.0.0/16 ! tagged tunnelmesh
        block drop out quick inet6 from any to fd12:3456:789a::/48 ! tagged tunnelmesh
        pass out inet proto udp from any port 68 to any port 67 no state tag tunnelmesh
        pass out inet6 proto udp from any port 546 to any port 547 no state tag tunnelmesh
        pass out inet6 proto icmp6 all icmp6-type { 133, 135, 136, 131, 132, 143 } no state tag tunnelmesh

        """;

    [Fact]
    public void The_kill_switch_lets_the_mesh_out_and_what_keeps_the_link_alive() =>
        Assert.Equal(Exceptions + "block return out quick all ! tagged tunnelmesh\n", PfRules.KillSwitch(Use(lan: false), 29805));

    [Fact]
    public void With_the_LAN_private_networks_are_reached_after_the_mesh_has_had_its_own() =>
        Assert.Equal(Exceptions + """
            pass out inet from any to { 10.0.0.0/8, 100.64.0.0/10, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16, 224.0.0.0/4, 255.255.255.255 } no state tag tunnelmesh
            pass out inet6 from any to { fc00::/7, fe80::/10, ff00::/8 } no state tag tunnelmesh
            block return out quick all ! tagged tunnelmesh

            """, PfRules.KillSwitch(Use(lan: true), 29805));

    [Fact]
    public void Without_a_kill_switch_private_networks_alone_are_closed() =>
        Assert.Equal(Exceptions + """
            block return out quick inet from any to { 10.0.0.0/8, 100.64.0.0/10, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16 } ! tagged tunnelmesh
            block return out quick inet6 from any to { fc00::/7 } ! tagged tunnelmesh

            """, PfRules.NoLan(Use(lan: false), 29805));

    [Fact]
    public void An_exit_rewrites_addresses_and_passes_on_what_is_for_the_internet_only()
    {
        ExitWays ways = new(new ExitWays.Way("en0", IPAddress.Parse("192.168.1.5")), new ExitWays.Way("en0", IPAddress.Parse("2001:db8::5")), [IPAddress.Parse("192.168.1.5"), IPAddress.Parse("2001:db8::5")]);
        Assert.Equal("""
            nat on en0 inet from 10.42.0.0/16 to any -> 192.168.1.5
            nat on en0 inet6 from fd12:3456:789a::/48 to any -> 2001:db8::5
            pass in on utun5 inet from any to { 10.42.0.2, 224.0.0.0/4, 255.255.255.255 } no state tag tunnelmesh
            pass in on utun5 inet6 from any to { fd12:3456:789a::2, fe80::/10, ff00::/8 } no state tag tunnelmesh
            block drop in quick on utun5 from any to { 192.168.1.5, 2001:db8::5 } ! tagged tunnelmesh
            block drop in quick on utun5 inet from any to { 10.0.0.0/8, 100.64.0.0/10, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16 } ! tagged tunnelmesh
            block drop in quick on utun5 inet from any to 10.42.0.0/16 ! tagged tunnelmesh
            pass in quick on utun5 inet from 10.42.0.0/16 to any keep state ! tagged tunnelmesh
            block drop in quick on utun5 inet6 from any to { fc00::/7, fe80::/10 } ! tagged tunnelmesh
            block drop in quick on utun5 inet6 from any to fd12:3456:789a::/48 ! tagged tunnelmesh
            pass in quick on utun5 inet6 from fd12:3456:789a::/48 to any keep state ! tagged tunnelmesh
            block drop in quick on utun5 all ! tagged tunnelmesh
            block drop out quick on utun5 inet from ! 10.42.0.0/16 to any
            block drop out quick on ! utun5 inet from 10.42.0.0/16 to ! 10.42.0.0/16
            block drop out quick on utun5 inet6 from ! fd12:3456:789a::/48 to any
            block drop out quick on ! utun5 inet6 from fd12:3456:789a::/48 to ! fd12:3456:789a::/48

            """, PfRules.Serving(Serving, ways));
    }

    [Fact]
    public void A_family_without_a_way_out_is_not_passed_on_and_no_list_is_empty()
    {
        string rules = PfRules.Serving(Serving with { Own6 = null }, new ExitWays(null, null, []));
        Assert.DoesNotContain("nat ", rules, StringComparison.Ordinal);
        Assert.DoesNotContain("keep state", rules, StringComparison.Ordinal);
        Assert.DoesNotContain("{  }", rules, StringComparison.Ordinal);
        Assert.Contains("block drop in quick on utun5 all ! tagged tunnelmesh\n", rules, StringComparison.Ordinal);
    }

    [Fact]
    public void A_private_address_leads_nobody_to_the_IPv6_internet()
    {
        InterfaceAddress[] addresses = [.. "en1 192.168.2.7,en0 192.168.1.5,en0 fd00::5,en0 2001:db8::5,en0 192.168.1.5".Split(',').Select(a => a.Split(' ')).Select(p => new InterfaceAddress(p[0], IPAddress.Parse(p[1])))];
        ExitWays ways = ExitWays.Of(addresses, "en0", "en0");
        Assert.Equal((new ExitWays.Way("en0", IPAddress.Parse("192.168.1.5")), new ExitWays.Way("en0", IPAddress.Parse("2001:db8::5"))), (ways.V4!, ways.V6!));
        Assert.Equal("192.168.1.5 192.168.2.7 2001:db8::5 fd00::5", string.Join(' ', ways.Own));
        Assert.Null(ExitWays.Of(addresses[..3], "en0", "en0").V6);
        Assert.Null(ExitWays.Of(addresses, null, null).V4);
        Assert.True(ways.IsSame(ExitWays.Of([.. addresses.Reverse()], "en0", "en0")));
        Assert.False(ways.IsSame(ExitWays.Of(addresses[1..], "en0", "en0")));
    }

    [Fact]
    public void The_anchor_is_one_that_macOS_evaluates_and_of_the_context() =>
        Assert.Equal(("com.apple/100.tunnelmesh-default", "com.apple/100.tunnelmesh-a_b-c"), (PfRules.Anchor("default"), PfRules.Anchor("a/b-c")));

    private static ExitServing Serving => new("utun5", Range4, Range6, IPAddress.Parse("10.42.0.2"), IPAddress.Parse("fd12:3456:789a::2"));

    private static ExitUse Use(bool lan) => new("utun5", IPAddress.Parse("10.42.0.2"), IPAddress.Parse("fd12:3456:789a::2"), 0, lan, KillSwitch: true, Range4, Range6);
}
