using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Peers;

/// <summary>With `fwmark` no packet of ours leaves a machine without the mark.</summary>
public sealed class FirewallMarkTests
{
    // All but what the kernel and ping say on their own behalf (ICMP, neighbour discovery).
    private const string Rules = """
        table inet marks {
          counter bare { }
          chain out {
            type filter hook output priority 0;
            oifname != "eth0" accept
            meta l4proto { tcp, udp } meta mark != 0x7e57 counter name bare drop
            COUNTERS
          }
        }
        """;

    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static readonly (string Name, string Match)[] Ways =
    [
        ("tunnel", "udp sport 2223 udp dport 2223"), ("stun", "udp dport 3478"), ("answers", "udp sport 3478"), ("mapping", "udp dport 5351"), ("search", "udp dport 1900"),
        ("api", "tcp dport 8443"), ("served", "tcp sport 8443"), ("ssh", "tcp dport 2222"), ("accepted", "tcp sport 2222"),
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_packet_leaves_without_the_mark_while_a_mesh_joins_and_talks_over_every_transport()
    {
        Requirements.Programs("nft");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a"), b = await AddAsync(underlay, "b");
        Peer[] all = [hub, a, b];
        foreach (Peer peer in all)
        {
            await peer.Machine.RunAsync(["nft", "-f", "-"], WithCounters(), Cancel);
            if (peer != hub)
            {
                // The gateway is asked for a port; it knows nothing of that.
                await peer.Machine.IpAsync($"route add default via {hub.Machine.Address}", Cancel);
            }
        }
        const string Marked = "fwmark: 0x7e57";
        await hub.JoinAsync(Cancel, configuration: Marked);
        string server = $"{hub.Machine.Address}:8443";
        await a.JoinAsync(Cancel, server, Marked);
        string target = await b.JoinAsync(Cancel, server, Marked);
        Assert.True(await a.Machine.ReachesAsync(target, 5, Cancel));
        foreach (string transport in new[] { "udp", "ssh", "relay" })
        {
            await hub.AskJsonAsync(Cancel, "transport", "b", transport, "--with", "a");
            foreach ((Peer peer, string other) in new[] { (a, "b"), (b, "a") })
            {
                await peer.AskUntilAsync(peers => peers.EnumerateArray().Any(p => p.GetProperty("name").GetString() == other && p.GetProperty("path").GetString() == transport), Cancel, "peers");
            }
            Assert.Equal(20, await a.Machine.CountRepliesAsync(target, 20, Cancel));
        }
        await a.AskJsonAsync(Cancel, "netcheck");
        Assert.Equal(0, await b.StopAsync(Cancel));
        Assert.Equal(0, await a.StopAsync(Cancel));
        Assert.Equal(0, await hub.StopAsync(Cancel));

        Dictionary<string, long> sent = [];
        foreach (Peer peer in all)
        {
            foreach ((string name, long packets) in await CountAsync(peer))
            {
                sent[name] = sent.GetValueOrDefault(name) + packets;
                Assert.True(name != "bare" || packets == 0, $"{peer.Name} sent {packets} packets without the mark");
            }
        }
        // Everything there is was really used, and marked.
        Assert.All(Ways, way => Assert.True(sent[way.Name] > 0, $"nothing sent: {way.Name}"));
    }

    [Fact]
    public async Task Without_the_right_to_mark_packets_the_peer_says_so_and_does_not_start()
    {
        Requirements.Programs("setpriv");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub");
        (int code, string output) = await hub.FailToJoinAsync(Cancel, configuration: "fwmark: 1", wrapper: ["setpriv", "--bounding-set", "-net_admin,-net_raw", "--inh-caps", "-net_admin,-net_raw"]);
        Assert.Equal(4, code);
        Assert.Contains("fwmark", output, StringComparison.Ordinal);
    }

    private static Task<Peer> AddAsync(Underlay underlay, string name) => Peer.AddAsync(underlay, name, Token, Cancel);

    private static string WithCounters() => Rules
        .Replace("counter bare { }", "counter bare { }\n" + string.Concat(Ways.Select(w => $"  counter {w.Name} {{ }}\n")), StringComparison.Ordinal)
        .Replace("COUNTERS", string.Join('\n', Ways.Select(w => $"    {w.Match} meta mark 0x7e57 counter name {w.Name}")), StringComparison.Ordinal);

    private static async Task<Dictionary<string, long>> CountAsync(Peer peer)
    {
        using JsonDocument counters = JsonDocument.Parse(await peer.Machine.RunAsync(["nft", "-j", "list", "counters"], cancel: Cancel));
        return counters.RootElement.GetProperty("nftables").EnumerateArray().Where(e => e.TryGetProperty("counter", out _)).Select(e => e.GetProperty("counter"))
            .ToDictionary(c => c.GetProperty("name").GetString()!, c => long.Parse(c.GetProperty("packets").ToString(), CultureInfo.InvariantCulture));
    }
}
