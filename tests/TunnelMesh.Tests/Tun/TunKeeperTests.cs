using System.Net;
using System.Net.Sockets;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Tests.Tun;

/// <summary>What somebody does to the mesh's interface, on a played kernel; a system test does it to a real one.</summary>
public sealed class TunKeeperTests : IDisposable
{
    private static readonly TunOptions Made = new()
    {
        Name = "tun-mesh0",
        Mtu = 1400,
        Addresses = [new TunAddress(IPAddress.Parse("10.42.0.3"), 16), new TunAddress(IPAddress.Parse("fd12::3"), 64)],
        Routes = [IPNetwork.Parse("10.43.0.0/16")],
    };

    private readonly PlayedLinks _links = new();
    private readonly TunKeeper _keeper;
    private readonly string[] _whole;

    public TunKeeperTests()
    {
        _links.SetMtu(7, Made.Mtu);
        _links.DisableAddressGeneration(7);
        _links.SetUp(7);
        foreach (TunAddress address in Made.Addresses)
        {
            _links.AddAddress(7, address.Address, address.PrefixLength);
        }

        _links.AddRoute(7, Made.Routes[0]);
        _keeper = new TunKeeper(() => _links, 7, Made);
        _whole = [.. _links.State.Order(StringComparer.Ordinal)];
    }

    public void Dispose() => _keeper.Dispose();

    private void IsWhole() => Assert.Equal(_whole, _links.State.Order(StringComparer.Ordinal));

    [Fact]
    public void Nothing_is_done_to_what_is_as_it_was_made()
    {
        int before = _links.Changes;
        Assert.Same(TunLook.Whole, _keeper.Restore());
        // What others have added is theirs.
        _links.AddAddress(7, IPAddress.Parse("10.99.0.1"), 24);
        Assert.Same(TunLook.Whole, _keeper.Restore());
        Assert.Equal(before + 1, _links.Changes);
        Assert.Contains("10.99.0.1/24", _links.State);
    }

    [Theory]
    [InlineData("down", "up, fd12::3, route 10.43.0.0/16")]
    [InlineData("flush", "10.42.0.3, fd12::3")]
    [InlineData("flush4", "10.42.0.3")]
    [InlineData("narrow", "fd12::3")]
    [InlineData("routes", "route 10.42.0.0/16, route fd12::/64, route 10.43.0.0/16")]
    [InlineData("mtu 9000", "MTU 1400")]
    [InlineData("mtu 1000", "MTU 1400, fd12::3, route 10.43.0.0/16")]
    [InlineData("mtu 1000 down", "MTU 1400, up, fd12::3, route 10.43.0.0/16")]
    public void What_somebody_has_changed_is_put_back_and_only_that_is_told(string change, string told)
    {
        switch (change)
        {
            case "down":
                _links.SetDown(7);
                break;
            case "flush":
                _links.Forget(_ => true);
                break;
            case "flush4":
                _links.Forget(a => a.AddressFamily == AddressFamily.InterNetwork);
                break;
            case "narrow":
                _links.Forget(a => a.AddressFamily == AddressFamily.InterNetworkV6);
                _links.AddAddress(7, IPAddress.Parse("fd12::3"), 128);
                break;
            case "routes":
                _links.ForgetRoutes();
                break;
            default:
                _links.SetMtu(7, int.Parse(change.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture));
                if (change.EndsWith("down", StringComparison.Ordinal))
                {
                    _links.SetDown(7);
                }

                break;
        }

        TunLook look = _keeper.Restore();
        Assert.Equal((told, null), (string.Join(", ", look.PutBack), look.Problem));
        // No address of the kernel's own either, which would send questions into the tunnel.
        IsWhole();
        Assert.Same(TunLook.Whole, _keeper.Restore());
    }

    [Fact]
    public void IPv6_that_was_switched_off_is_told_with_what_to_do_while_it_is_so_and_IPv4_is_looked_after()
    {
        _links.V6Off = true;
        _links.Forget(_ => true);
        TunLook look = _keeper.Restore();
        Assert.Equal(["10.42.0.3"], look.PutBack);
        Assert.Contains("lost fd12::3. Switch it on again: sysctl -w net.ipv6.conf.tun-mesh0.disable_ipv6=0", look.Problem, StringComparison.Ordinal);
        look = _keeper.Restore();
        Assert.Empty(look.PutBack);
        Assert.NotNull(look.Problem);
        _links.V6Off = false;
        Assert.Equal(["fd12::3"], _keeper.Restore().PutBack);
        IsWhole();
    }

    [Fact]
    public void What_the_system_refuses_or_does_not_tell_is_a_problem_and_is_tried_again()
    {
        _links.SetDown(7);
        _links.Refuses = true;
        TunLook look = _keeper.Restore();
        Assert.Empty(look.PutBack);
        Assert.StartsWith("the system refused to bring up the interface tun-mesh0: ", look.Problem, StringComparison.Ordinal);
        _links.Refuses = false;
        _links.Silent = true;
        Assert.Equal("The system does not tell.", _keeper.Restore().Problem);
        _links.Silent = false;
        Assert.Null(_keeper.Restore().Problem);
        IsWhole();
    }

    [Fact]
    public void An_interface_that_was_renamed_or_is_gone_is_told()
    {
        _links.Name = "other";
        Assert.Contains("ip link set other name tun-mesh0", _keeper.Restore().Problem, StringComparison.Ordinal);
        _links.Gone = true;
        TunLook look = _keeper.Restore();
        Assert.Empty(look.PutBack);
        Assert.Equal("the interface tun-mesh0 is gone. Start the peer again.", look.Problem);
    }
}
