using System.Net;
using TunnelMesh.Platform.Exit;
using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.Routes;
using TunnelMesh.Tests.Tun;

namespace TunnelMesh.Tests.Exit;

/// <summary>The routes of Windows over a played system.</summary>
public sealed class WindowsExitSetupTests
{
    private const string Halves = "route 0.0.0.0/1 on 2a by 0.0.0.0 metric 0,route 128.0.0.0/1 on 2a by 0.0.0.0 metric 0,route ::/1 on 2a by :: metric 0,route 8000::/1 on 2a by :: metric 0";
    private readonly FakeIpHelper _ip = new() { Names = { "tun-mesh0" }, Alias = "Other VPN" };
    private ForwardRow[] _table = [];

    [Fact]
    public void Both_families_are_led_into_the_adapter_and_let_go()
    {
        using WindowsExitSetup setup = Setup();
        setup.Use(Use(), leads: true);
        Assert.Equal(Halves.Split(','), Asked());
        setup.Check();
        Assert.Equal(Halves.Split(','), Asked());
        Assert.Null(setup.Revert());
        Assert.Equal(["no route 0.0.0.0/1 on 2a by 0.0.0.0", "no route 128.0.0.0/1 on 2a by 0.0.0.0", "no route ::/1 on 2a by ::", "no route 8000::/1 on 2a by ::"], Asked());
        setup.Check();
        Assert.Empty(Asked());
    }

    [Fact]
    public void A_route_that_is_there_is_no_failure_and_one_that_is_gone_neither()
    {
        _ip.Answer = line => line.StartsWith("no ", StringComparison.Ordinal) ? WindowsNative.NotFound : WindowsNative.ObjectAlreadyExists;
        using WindowsExitSetup setup = Setup();
        setup.Use(Use(), leads: true);
        Assert.Null(setup.Revert());
    }

    [Fact]
    public void Traffic_that_goes_past_for_a_while_has_no_routes()
    {
        using WindowsExitSetup setup = Setup();
        setup.Use(Use(), leads: false);
        Assert.DoesNotContain(Asked(), a => a.StartsWith("route", StringComparison.Ordinal));
        setup.Check();
        Assert.Empty(Asked());
        setup.Lead(leads: true);
        Assert.Equal(Halves.Split(','), Asked());
    }

    [Fact]
    public void Another_VPN_is_named_and_left_alone()
    {
        _table = [new ForwardRow { Luid = 7, Destination = InetName.Of(IPAddress.Parse("128.0.0.0")), PrefixLength = 1 }];
        using WindowsExitSetup setup = Setup();
        Assert.Contains("Other VPN", Assert.Throws<ExitException>(() => setup.Use(Use(), leads: true)).Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Asked(), a => a.StartsWith("route", StringComparison.Ordinal));
    }

    [Fact]
    public void What_the_system_refuses_takes_back_what_was_added()
    {
        _ip.Answer = line => line.StartsWith("route 8000::", StringComparison.Ordinal) ? WindowsNative.AccessDenied : 0;
        using WindowsExitSetup setup = Setup();
        Assert.Contains("8000::/1 into tun-mesh0", Assert.Throws<ExitException>(() => setup.Use(Use(), leads: true)).Message, StringComparison.Ordinal);
        Assert.Contains("no route 0.0.0.0/1 on 2a by 0.0.0.0", Asked());
    }

    [Fact]
    public void An_adapter_without_IPv6_is_refused_where_IPv6_would_leave_past_it()
    {
        Assert.SkipUnless(System.Net.Sockets.Socket.OSSupportsIPv6, "no IPv6 here");
        using WindowsExitSetup setup = Setup();
        Assert.Contains("tun.mtu", Assert.Throws<ExitException>(() => setup.Use(Use() with { Source6 = null }, leads: true)).Message, StringComparison.Ordinal);
        Assert.Empty(Asked());
    }

    private static ExitUse Use() => new("tun-mesh0", IPAddress.Parse("10.42.0.2"), IPAddress.Parse("fd12:3456:789a::2"), 0, LanAccess: true, KillSwitch: false, IPNetwork.Parse("10.42.0.0/16"), IPNetwork.Parse("fd12:3456:789a::/48"));

    private WindowsExitSetup Setup() => new(new WindowsHalfRoutes(_ip, () => _table), null);

    private string[] Asked()
    {
        string[] asked = [.. _ip.Asked];
        _ip.Asked.Clear();
        return asked;
    }
}
