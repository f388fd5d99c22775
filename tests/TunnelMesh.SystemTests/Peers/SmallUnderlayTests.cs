using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Peers;

/// <summary>
/// An underlay too small for the tunnel's datagrams: a router between two peers, and behind it a link of a small MTU. The peer at that link
/// knows so from its device, the other one learns it from the router. Datagrams go in fragments, outside, and nobody inside notices.
/// </summary>
public sealed class SmallUnderlayTests
{
    private const int Bytes = 4_000_000, Trains = 20;
    private const string Router = "192.0.2.1", Far = "192.0.2.2", Router6 = "2001:db8:2::1", Far6 = "2001:db8:2::2";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1280, false)]
    [InlineData(1280, true)]
    [InlineData(576, false)]
    public async Task Bulk_passes_in_fragments_and_trains_of_datagrams_give_way(int mtu, bool overIPv6)
    {
        string token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer near = await Peer.AddAsync(underlay, "near", token, Cancel), far = await Peer.AddAsync(underlay, "far", token, Cancel);
        NetworkNamespace router = await underlay.AddMachineAsync(Cancel);
        await LayAsync(near.Machine, router, far.Machine, mtu, overIPv6);
        string address = await near.JoinAsync(Cancel);
        string farAddress = await far.JoinAsync(Cancel, overIPv6 ? $"[{near.Machine.Address6}]:8443" : $"{near.Machine.Address}:8443");
        Assert.True(await far.Machine.ReachesAsync(address, 10, Cancel));
        Fragments before = await Fragments.ReadAsync(near.Machine, overIPv6), farBefore = await Fragments.ReadAsync(far.Machine, overIPv6);

        JsonElement status = await near.AskJsonAsync(Cancel, "status"), farStatus = await far.AskJsonAsync(Cancel, "status");
        Assert.Contains("segmentation", status.GetProperty("dataplane").GetProperty("udp_offloads").EnumerateArray().Select(e => e.GetString()));
        foreach ((string from, string to) in new[] { (address, farAddress), (status.GetProperty("mesh_ip6").GetString()!, farStatus.GetProperty("mesh_ip6").GetString()!) })
        {
            IPAddress target = IPAddress.Parse(to), back = IPAddress.Parse(from);
            await BulkTransfer.RunAsync(near.Machine, far.Machine, target, target, Bytes, Bytes, Cancel);
            await DatagramTrains.RunAsync(near.Machine, far.Machine, target, target, Trains, 1352, Cancel);
            await DatagramTrains.RunAsync(far.Machine, near.Machine, back, back, Trains, 1352, Cancel);
        }

        // Each end sent most of its datagrams in pieces that the other put together.
        Fragments after = await Fragments.ReadAsync(near.Machine, overIPv6), farAfter = await Fragments.ReadAsync(far.Machine, overIPv6);
        const long full = 2 * Bytes / 1400;
        Assert.True(after.Reassembled - before.Reassembled > full && farAfter.Reassembled - farBefore.Reassembled > full, $"{before} {after}, {farBefore} {farAfter}");
        Assert.True(after.Fragmented - before.Fragmented > full && farAfter.Fragmented - farBefore.Fragmented > full, $"{before} {after}, {farBefore} {farAfter}");
        foreach (Peer peer in (Peer[])[near, far])
        {
            JsonElement plane = (await peer.AskJsonAsync(Cancel, "status")).GetProperty("dataplane");
            Assert.True(plane.GetProperty("segmentation_fallbacks").GetInt64() > 0, plane.ToString());
            // The kernel's own multicast has no route in the mesh; and what went over two paths in doubt comes twice.
            Assert.All(plane.GetProperty("drops").EnumerateObject().Where(d => d.Name is not ("no_route" or "replayed")), drop => Assert.True(drop.Value.GetInt64() == 0, plane.ToString()));
            string expected = peer == near ? (overIPv6 ? $"[{Far6}]" : Far) : overIPv6 ? $"[{near.Machine.Address6}]" : near.Machine.Address;
            // On a busy machine the transfers are over before the first answers to probes have told which path it is.
            await peer.AskUntilAsync(peers => peers[0].GetProperty("endpoint").GetString()?.StartsWith(expected, StringComparison.Ordinal) == true, Cancel, "peers");
        }
    }

    /// <summary>near – Ethernet of 1500 bytes – router – link of a small MTU – far; one family only.</summary>
    private static async Task LayAsync(NetworkNamespace near, NetworkNamespace router, NetworkNamespace far, int mtu, bool overIPv6)
    {
        await far.IpAsync("link set eth0 down", Cancel);
        await far.IpAsync("address flush dev eth0", Cancel);
        await near.IpAsync($"address delete {(overIPv6 ? $"{near.Address}/24" : $"{near.Address6}/64")} dev eth0", Cancel);
        await router.IpAsync($"link add lan0 mtu {mtu} type veth peer name lan0 mtu {mtu} netns {far.Name}", Cancel);
        foreach ((NetworkNamespace machine, string own, string own6) in new[] { (router, Router, Router6), (far, Far, Far6) })
        {
            await machine.IpAsync(overIPv6 ? $"address add {own6}/64 dev lan0 nodad" : $"address add {own}/24 dev lan0", Cancel);
            await machine.IpAsync("link set lan0 up", Cancel);
        }

        await near.IpAsync(overIPv6 ? $"-6 route add 2001:db8:2::/64 via {router.Address6}" : $"route add 192.0.2.0/24 via {router.Address}", Cancel);
        await far.IpAsync(overIPv6 ? $"-6 route add default via {Router6}" : $"route add default via {Router}", Cancel);
        await router.RunAsync(["sysctl", "-q", "-w", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"], cancel: Cancel);
    }

    /// <summary>The kernel's own counts of one machine: datagrams cut into fragments, and put together again.</summary>
    private sealed record Fragments(long Fragmented, long Reassembled)
    {
        public static async Task<Fragments> ReadAsync(NetworkNamespace machine, bool v6)
        {
            string[] lines = (await machine.RunAsync(["cat", v6 ? "/proc/net/snmp6" : "/proc/net/snmp"], cancel: Cancel)).Split('\n');
            if (v6)
            {
                return new Fragments(Of("Ip6FragOKs"), Of("Ip6ReasmOKs"));
                long Of(string name) => Number(lines.Single(l => l.StartsWith($"{name} ", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
            }

            string[][] ip = [.. lines.Where(l => l.StartsWith("Ip: ", StringComparison.Ordinal)).Select(l => l.Split(' '))];
            return new Fragments(Number(ip[1][Array.IndexOf(ip[0], "FragOKs")]), Number(ip[1][Array.IndexOf(ip[0], "ReasmOKs")]));
        }

        private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
    }
}
