using System.Collections.Concurrent;
using System.Net;
using TunnelMesh.Platform.NetworkMonitor;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.NetworkMonitor;

/// <summary>What a real kernel tells of its network, in a namespace.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class NetworkWatchTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10), Settle = TimeSpan.FromSeconds(1.5);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Addresses_links_and_default_routes_that_change_are_each_told_once()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        NetworkNamespace machine = await underlay.AddMachineAsync(Cancel);
        BlockingCollection<NetworkChanges> told = [];
        using INetworkMonitor monitor = NamespaceThread.Run(machine, () => NetworkWatch.Start("tun-own", e => told.Add((NetworkChanges)(-1)), TimeProvider.System));
        monitor.Changed += told.Add;
        Assert.Equal([machine.Address, machine.Address6], Addresses(monitor.State));
        Assert.Equal((null, null), (monitor.State.V4, monitor.State.V6));

        await ExpectAsync(NetworkChanges.Addresses, "address add 198.51.100.99/24 dev eth0");
        Assert.Equal([machine.Address, "198.51.100.99", machine.Address6], Addresses(monitor.State));
        await ExpectAsync(NetworkChanges.Addresses, "address delete 198.51.100.99/24 dev eth0");
        await ExpectAsync(NetworkChanges.DefaultRoute, "route add default via 198.51.100.254 metric 50");
        Assert.Equal(new DefaultRoute(IPAddress.Parse("198.51.100.254"), "eth0", IPAddress.Parse(machine.Address)), monitor.State.V4);
        // Another default route that is not taken changes nothing; a better one does.
        await ExpectAsync(NetworkChanges.None, "route add default via 198.51.100.253 metric 90");
        await ExpectAsync(NetworkChanges.DefaultRoute, "route add default via 198.51.100.252 metric 10");
        Assert.Equal(IPAddress.Parse("198.51.100.252"), monitor.State.V4!.Gateway);
        await ExpectAsync(NetworkChanges.DefaultRoute, "-6 route add default via 2001:db8:51::fe");
        Assert.Equal(IPAddress.Parse("2001:db8:51::fe"), monitor.State.V6!.Gateway);
        await ExpectAsync(NetworkChanges.None, "route add 203.0.113.0/24 via 198.51.100.251");

        NetworkChanges all = NetworkChanges.Links | NetworkChanges.Addresses | NetworkChanges.DefaultRoute;
        await ExpectAsync(all, "link set eth0 down");
        Assert.Equal((0, null, null), (monitor.State.Addresses.Count, monitor.State.V4, monitor.State.V6));
        // Its addresses of IPv6 and its routes went with the link.
        await ExpectAsync(NetworkChanges.Links | NetworkChanges.Addresses, "link set eth0 up");
        Assert.Equal([machine.Address], Addresses(monitor.State));

        // The mesh's own interface is not told of, also where it takes the internet's traffic.
        await ExpectAsync(NetworkChanges.None, "link add tun-own type veth peer name far", "link set far up", "address add 10.42.0.1/16 dev tun-own", "link set tun-own up", "route add default dev tun-own metric 1");

        async Task ExpectAsync(NetworkChanges expected, params string[] commands)
        {
            foreach (string command in commands)
            {
                await machine.IpAsync(command, Cancel);
            }

            if (expected != NetworkChanges.None)
            {
                Assert.True(told.TryTake(out NetworkChanges first, (int)Patience.TotalMilliseconds, Cancel), string.Join("; ", commands));
                Assert.Equal(expected, first);
            }

            // A second telling would come within the longest time that a change waits.
            Assert.False(told.TryTake(out NetworkChanges more, Settle), $"{string.Join("; ", commands)}: {more}");
        }
    }

    private static string[] Addresses(NetworkState state) => [.. state.Addresses.Select(a => a.Address).OrderBy(a => a.AddressFamily).ThenBy(a => a.ToString().Length).Select(a => a.ToString())];
}
