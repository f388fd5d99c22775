using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Capture;

/// <summary>
/// No checksum of an inner packet is wrong, as a capture shows. Bulk both ways, TCP and UDP over both families, all offloads on, from one
/// peer to another, which forwards it to a machine behind it over a device that can compute no checksums: there all of them are complete.
/// </summary>
public sealed class CapturedChecksumTests
{
    private const int Bytes = 8_000_000, Trains = 40;
    private const string Here = "192.0.2.1", Behind = "192.0.2.2", Here6 = "2001:db8:2::1", Behind6 = "2001:db8:2::2";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_checksum_is_right_at_both_interfaces_and_behind_the_receiving_peer()
    {
        Requirements.Programs("ethtool", "nft", "tcpdump");
        string token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", token, Cancel), gate = await Peer.AddAsync(underlay, "gate", token, Cancel);
        NetworkNamespace behind = await underlay.AddMachineAsync(Cancel);
        await hub.JoinAsync(Cancel);
        string address = await gate.JoinAsync(Cancel, $"{hub.Machine.Address}:8443");
        string address6 = (await gate.AskJsonAsync(Cancel, "status")).GetProperty("mesh_ip6").GetString()!;
        await ForwardAsync(gate.Machine, behind, address, address6);
        Assert.True(await hub.Machine.ReachesAsync(address, 10, Cancel));

        using PacketCapture near = PacketCapture.Start(hub.Machine, "tun-mesh0", linkHeader: 0), far = PacketCapture.Start(gate.Machine, "tun-mesh0", linkHeader: 0), last = PacketCapture.Start(behind, "lan0", linkHeader: 14);
        foreach ((string listen, string dial) in new[] { (Behind, address), (Behind6, address6) })
        {
            await BulkTransfer.RunAsync(hub.Machine, behind, IPAddress.Parse(listen), IPAddress.Parse(dial), Bytes, Bytes, Cancel);
            await DatagramTrains.RunAsync(hub.Machine, behind, IPAddress.Parse(listen), IPAddress.Parse(dial), Trains, 1352, Cancel);
        }

        // What was captured is worth something only if it came in groups, and singly, of every kind.
        IReadOnlyList<CapturedPacket> atNear = near.Stop(), atFar = far.Stop(), atLast = [.. last.Stop().Where(p => !p.Outgoing && IsOfTransfer(p))];
        Assert.All(new[] { 1, 4, 5 }, kind => Assert.True(atFar.Count(p => !p.Outgoing && (p.GsoType & 0x7F) == kind) > 10, $"groups of kind {kind} at the receiving interface"));
        Assert.All(new[] { 1, 4 }, kind => Assert.True(atNear.Count(p => !p.Outgoing && (p.GsoType & 0x7F) == kind) > 10, $"groups of kind {kind} at the sending interface"));
        Assert.True(atFar.Count(p => !p.Outgoing && !p.Partial) > 100, "single packets at the receiving interface");
        Assert.True(atLast.Count > 2 * Bytes / 1400, $"{atLast.Count} packets behind");

        Assert.DoesNotContain(atNear, p => ChecksumJudge.Judge(p) == ChecksumVerdict.Wrong);
        Assert.DoesNotContain(atFar, p => ChecksumJudge.Judge(p) == ChecksumVerdict.Wrong);
        Assert.All(atLast, p => Assert.Equal(ChecksumVerdict.Right, ChecksumJudge.Judge(p)));
        string file = Path.Combine(underlay.Folder, "capture.pcap");
        Assert.Equal((atLast.Count, 0), await TcpDump.JudgeAsync(atLast, file, Cancel));

        // The judges: of a capture in which single bits are turned, in the last byte, they find each.
        HashSet<int> turned = [.. Enumerable.Range(0, 100).Select(i => i * (atLast.Count / 100))];
        CapturedPacket[] corrupted = [.. atLast.Select((p, i) => turned.Contains(i) ? WithTurnedBit(p, p.Bytes.Length - 1, seed: i) : p)];
        Assert.Equal(turned.Order(), Enumerable.Range(0, corrupted.Length).Where(i => ChecksumJudge.Judge(corrupted[i]) == ChecksumVerdict.Wrong));
        Assert.Equal((atLast.Count - turned.Count, turned.Count), await TcpDump.JudgeAsync(corrupted, file, Cancel));
        Assert.All(atFar.Where(p => p.Partial).Take(100), p => Assert.Equal(ChecksumVerdict.Wrong, ChecksumJudge.Judge(WithTurnedBit(p, ChecksumJudge.FieldOf(p.Bytes), seed: 0))));

        // Where nothing was refused, nothing was hidden either.
        JsonElement drops = (await gate.AskJsonAsync(Cancel, "status")).GetProperty("dataplane").GetProperty("drops");
        Assert.Equal(0, drops.GetProperty("tun_failed").GetInt64() + drops.GetProperty("malformed").GetInt64());
    }

    /// <summary>A cable from the gate to the machine behind it, and the way for everything that comes out of the tunnel.</summary>
    private static async Task ForwardAsync(NetworkNamespace gate, NetworkNamespace behind, string address, string address6)
    {
        await gate.IpAsync($"link add lan0 type veth peer name lan0 netns {behind.Name}", Cancel);
        foreach ((NetworkNamespace machine, string own, string own6) in new[] { (gate, Here, Here6), (behind, Behind, Behind6) })
        {
            await machine.IpAsync($"address add {own}/24 dev lan0", Cancel);
            await machine.IpAsync($"address add {own6}/64 dev lan0 nodad", Cancel);
            await machine.IpAsync("link set lan0 up", Cancel);
            // Without it checksums are never completed between two ends in one kernel.
            await machine.RunAsync(["ethtool", "-K", "lan0", "tx", "off"], cancel: Cancel);
        }

        await behind.IpAsync($"route add 10.42.0.0/16 via {Here}", Cancel);
        await behind.IpAsync($"-6 route add default via {Here6}", Cancel);
        await gate.RunAsync(["sysctl", "-q", "-w", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"], cancel: Cancel);
        await gate.RunAsync(["nft", "-f", "-"], $$"""
            table inet forward {
                chain in {
                    type nat hook prerouting priority dstnat;
                    iifname "tun-mesh0" ip daddr {{address}} meta l4proto { tcp, udp } dnat ip to {{Behind}}
                    iifname "tun-mesh0" ip6 daddr {{address6}} meta l4proto { tcp, udp } dnat ip6 to {{Behind6}}
                }
            }
            """, Cancel);
    }

    private static bool IsOfTransfer(CapturedPacket packet) => packet.Bytes[packet.Bytes[0] >> 4 == 4 ? 9 : 6] is 6 or 17;

    private static CapturedPacket WithTurnedBit(CapturedPacket packet, int at, int seed)
    {
        byte[] bytes = [.. packet.Bytes];
        bytes[at] ^= (byte)(1 << (seed % 8));
        return packet with { Bytes = bytes };
    }
}
