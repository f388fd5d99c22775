using System.Net;
using System.Net.NetworkInformation;
using TunnelMesh.Platform.Routes;
using TunnelMesh.Tests.Shared;

namespace TunnelMesh.Tests.Routes;

public class LocalNetworksTests
{
    private static readonly LocalRoute[] Routes =
    [
        new(IPNetwork.Parse("0.0.0.0/0"), "eth0"),
        new(IPNetwork.Parse("128.0.0.0/1"), "vpn0"),
        new(IPNetwork.Parse("10.99.4.0/24"), "eth0"),
        new(IPNetwork.Parse("fd00:1::/64"), "eth1"),
    ];

    [Theory]
    [InlineData("10.99.0.0/16", "eth0")]
    [InlineData("10.99.4.7/32", "eth0")]
    [InlineData("fd00:1::/48", "eth1")]
    [InlineData("10.98.0.0/16", null)]
    [InlineData("192.168.0.0/16", null)]
    [InlineData("fd00:2::/48", null)]
    public void An_overlapping_route_is_named_and_default_routes_do_not_count(string prefix, string? expected) =>
        Assert.Equal(expected, LocalNetworks.FindCollision(IPNetwork.Parse(prefix), "tunnelmesh0", Routes)?.InterfaceName);

    [Fact]
    public void The_mesh_interface_itself_does_not_collide() =>
        Assert.Null(LocalNetworks.FindCollision(IPNetwork.Parse("10.99.0.0/16"), "eth0", Routes));

    [Fact]
    public void The_kernels_tables_are_read()
    {
        Assert.Equal(new LocalRoute(IPNetwork.Parse("10.99.4.0/24"), "eth0"), LinuxRoutes.ParseIPv4("eth0\t0004630A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0"));
        Assert.Null(LinuxRoutes.ParseIPv4("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"));
        Assert.Equal(
            new LocalRoute(IPNetwork.Parse("fd00:1::/64"), "eth1"),
            LinuxRoutes.ParseIPv6("fd000001000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth1"));
        Assert.Null(LinuxRoutes.ParseIPv6("fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth1"));
    }

    [Theory]
    [InlineData("192.0.2.1", true)]
    [InlineData("10.0.0.1", true)]
    [InlineData("2001:db8::1", true)]
    [InlineData("fd00::1", true)]
    [InlineData("127.0.0.1", false)]
    [InlineData("169.254.1.1", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("::1", false)]
    [InlineData("fe80::1", false)]
    [InlineData("ff02::1", false)]
    public void Only_addresses_that_others_can_reach_are_candidates(string address, bool expected) =>
        Assert.Equal(expected, LocalNetworks.IsCandidate(IPAddress.Parse(address)));

    [Fact]
    public void The_systems_own_list_of_addresses_is_the_frameworks_and_makes_no_heap_of_garbage()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "elsewhere the framework's list is the only one");
        Assert.All([null, .. NetworkInterface.GetAllNetworkInterfaces().Select(n => n.Name)], own => Assert.Equal(
            LocalNetworks.Whole(() => [.. LocalNetworks.ListByFramework(own)]).Select(a => a.ToString()).Order(), LinuxAddresses.List(own).Select(a => a.ToString()).Order()));
        Assert.InRange(Allocations.Least(() => LocalNetworks.GetEndpointAddresses("tun-mesh0")), 0, 8192);
    }

    [Fact]
    public void Interfaces_that_come_and_go_while_they_are_listed_are_listed_anew()
    {
        Queue<Exception> failures = new([new ArgumentException("An invalid IP address was specified."), new NetworkInformationException(), new FileNotFoundException()]);
        IPAddress[] found = [IPAddress.Parse("192.0.2.1")];
        Assert.Same(found, LocalNetworks.Whole(() => failures.TryDequeue(out Exception? failure) ? throw failure : found));
        Assert.Empty(failures);
        IOException refused = Assert.Throws<IOException>(() => LocalNetworks.Whole(() => throw new ArgumentException("no address")));
        Assert.Contains("interfaces of this machine", refused.Message, StringComparison.Ordinal);
    }
}
