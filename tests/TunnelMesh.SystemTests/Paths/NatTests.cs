using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Paths;

/// <summary>Two peers behind routers of several kinds, and a coordinator with a public address. docs/nat.md has the whole table; here is what must hold of it.</summary>
public sealed class NatTests
{
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Behind_two_easy_NATs_the_first_packet_passes_within_a_second_and_the_way_is_direct_within_two()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using NatRouter left = await NatRouter.AddAsync(underlay, Cancel), right = await NatRouter.AddAsync(underlay, Cancel);
        await using Peer hub = await HubAsync(underlay), a = await BehindAsync(underlay, left, "a"), b = await BehindAsync(underlay, right, "b");
        string target = await JoinAsync(hub, a, b);
        long began = Stopwatch.GetTimestamp();
        await using PingTrace trace = PingTrace.Start(a.Machine, target, 0.01, 4);
        Assert.True(await a.Machine.ReachesAsync(target, 5, Cancel));
        Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(1), $"first reply after {Stopwatch.GetElapsedTime(began)}");
        await UntilPathAsync(a, b, "udp");
        Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(2), $"direct after {Stopwatch.GetElapsedTime(began)}");
        await EndWithoutLossAsync(trace, 200);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Between_a_hard_and_an_easy_NAT_the_way_is_direct_within_15_seconds_and_of_many_sockets_one_is_left(bool hardBegins)
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using NatRouter left = await NatRouter.AddAsync(underlay, Cancel, hardBegins ? NatRouter.Hard : NatRouter.Easy), right = await NatRouter.AddAsync(underlay, Cancel, hardBegins ? NatRouter.Easy : NatRouter.Hard);
        await using Peer hub = await HubAsync(underlay), a = await BehindAsync(underlay, left, "a"), b = await BehindAsync(underlay, right, "b");
        string target = await JoinAsync(hub, a, b);
        Peer hard = hardBegins ? a : b;
        int before = await SocketsAsync(hard), most = 0;
        long began = Stopwatch.GetTimestamp();
        await using PingTrace trace = PingTrace.Start(a.Machine, target, 0.01, 20);
        while (!await IsPathAsync(a, b, "udp") || !await IsPathAsync(b, a, "udp"))
        {
            most = Math.Max(most, await SocketsAsync(hard) - before);
            Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(15), $"not direct after {Stopwatch.GetElapsedTime(began)}; {most} sockets at the most");
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"direct after {Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s");
        await EndWithoutLossAsync(trace, 1000);
        // What it had open at the start for a moment, to ask a STUN server or a router, is closed by now.
        Assert.InRange(await SocketsAsync(hard) - before, int.MinValue, 1);
        await UntilPathAsync(a, b, "udp");
    }

    [Fact]
    public async Task Behind_two_hard_NATs_the_relay_carries_and_loses_nothing()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using NatRouter left = await NatRouter.AddAsync(underlay, Cancel, NatRouter.Hard), right = await NatRouter.AddAsync(underlay, Cancel, NatRouter.Hard);
        await using Peer hub = await HubAsync(underlay), a = await BehindAsync(underlay, left, "a"), b = await BehindAsync(underlay, right, "b");
        string target = await JoinAsync(hub, a, b);
        await using PingTrace trace = PingTrace.Start(a.Machine, target, 0.01, 6);
        await EndWithoutLossAsync(trace, 300);
        await UntilPathAsync(a, b, "relay");
        foreach (Peer peer in (Peer[])[a, b])
        {
            JsonElement relay = (await peer.AskJsonAsync(Cancel, "status")).GetProperty("relay");
            Assert.Equal(0, relay.GetProperty("dropped").GetInt64());
        }
    }

    [Fact]
    public async Task Behind_the_same_NAT_peers_use_their_private_addresses()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using NatRouter router = await NatRouter.AddAsync(underlay, Cancel);
        await using Peer hub = await HubAsync(underlay), a = await BehindAsync(underlay, router, "a"), b = await BehindAsync(underlay, router, "b");
        string target = await JoinAsync(hub, a, b);
        Assert.True(await a.Machine.ReachesAsync(target, 5, Cancel));
        foreach ((Peer peer, Peer other) in new[] { (a, b), (b, a) })
        {
            await peer.AskUntilAsync(peers => Of(peers, other) is var found && found.GetProperty("path").GetString() == "udp"
                && found.GetProperty("endpoint").GetString() == $"{other.Machine.Address}:2223", Cancel, "peers");
        }
    }

    [Theory]
    [InlineData(false, "ssh")]
    [InlineData(true, "relay")]
    public async Task Where_UDP_is_blocked_SSH_carries_if_the_other_peer_can_be_reached_and_else_the_relay(bool otherIsBehindNat, string path)
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using NatRouter blocked = await NatRouter.AddAsync(underlay, Cancel, rules: NatRouter.NoUdp), easy = await NatRouter.AddAsync(underlay, Cancel);
        await using Peer hub = await HubAsync(underlay), a = await BehindAsync(underlay, blocked, "a");
        await using Peer b = otherIsBehindNat ? await BehindAsync(underlay, easy, "b") : await Peer.AddAsync(underlay, "b", Token, Cancel);
        string target = await JoinAsync(hub, a, b);
        long began = Stopwatch.GetTimestamp();
        await using PingTrace trace = PingTrace.Start(b.Machine, (await a.AskJsonAsync(Cancel, "status")).GetProperty("mesh_ip").GetString()!, 0.01, 5);
        Assert.True(await a.Machine.ReachesAsync(target, 5, Cancel));
        Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(1.5), $"first reply after {Stopwatch.GetElapsedTime(began)}");
        await UntilPathAsync(a, b, path);
        await EndWithoutLossAsync(trace, 200);
        await UntilPathAsync(a, b, path);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_line_of_1280_bytes_that_says_nothing_of_it_carries_bulk_of_both_families(bool fragmentsPass)
    {
        string rules = fragmentsPass ? NatRouter.NoIcmp : $"{NatRouter.NoIcmp}\n{NatRouter.NoFragments}";
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using NatRouter provider = await NatRouter.AddAsync(underlay, Cancel, rules: rules), easy = await NatRouter.AddAsync(underlay, Cancel);
        await using NatRouter home = await NatRouter.AddAsync(underlay, Cancel, rules: rules, behind: provider, mtu: 1280);
        await using Peer hub = await HubAsync(underlay), a = await BehindAsync(underlay, home, "a"), b = await BehindAsync(underlay, easy, "b");
        string target = await JoinAsync(hub, a, b);
        Assert.True(await a.Machine.ReachesAsync(target, 5, Cancel));
        await UntilPathAsync(a, b, "udp");
        string target6 = (await b.AskJsonAsync(Cancel, "status")).GetProperty("mesh_ip6").GetString()!;
        long before = await RelayedAsync(a) + await RelayedAsync(b);
        foreach (string address in (string[])[target, target6])
        {
            await BulkTransfer.RunAsync(a.Machine, b.Machine, IPAddress.Parse(address), IPAddress.Parse(address), 4_000_000, 4_000_000, Cancel);
        }

        // Each transfer is more than 6,000 datagrams.
        Assert.InRange(await RelayedAsync(a) + await RelayedAsync(b) - before, 0, 1_500);
        await UntilPathAsync(a, b, "udp");
    }

    private static Task<Peer> HubAsync(Underlay underlay) => Peer.AddAsync(underlay, "hub", Token, Cancel);

    private static async Task<Peer> BehindAsync(Underlay underlay, NatRouter router, string name) => new(underlay, await router.AddMachineAsync(Cancel), name, Token);

    // The mesh address of the last one, once the one before knows it.
    private static async Task<string> JoinAsync(Peer hub, Peer a, Peer b)
    {
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        await a.JoinAsync(Cancel, server);
        string address = await b.JoinAsync(Cancel, server);
        await a.AskUntilAsync(peers => peers.EnumerateArray().Any(p => p.GetProperty("name").GetString() == b.Name), Cancel, "peers");
        return address;
    }

    private static async Task UntilPathAsync(Peer a, Peer b, string path)
    {
        foreach ((Peer peer, Peer other) in new[] { (a, b), (b, a) })
        {
            await peer.AskUntilAsync(peers => Of(peers, other).GetProperty("path").GetString() == path, Cancel, "peers");
        }
    }

    private static async Task<bool> IsPathAsync(Peer peer, Peer other, string path) => Of(await peer.AskJsonAsync(Cancel, "peers"), other).GetProperty("path").GetString() == path;

    // Lines of the system's own tables, beside a heading each.
    private static async Task<int> SocketsAsync(Peer peer) => (await peer.Machine.RunAsync(["cat", "/proc/net/udp", "/proc/net/udp6"], cancel: Cancel)).Split('\n').Count(l => l.Contains(':', StringComparison.Ordinal));

    private static async Task<long> RelayedAsync(Peer peer) => (await peer.AskJsonAsync(Cancel, "status")).GetProperty("relay").GetProperty("tx_datagrams").GetInt64();

    private static JsonElement Of(JsonElement peers, Peer other) => peers.EnumerateArray().Single(p => p.GetProperty("name").GetString() == other.Name);

    private static async Task EndWithoutLossAsync(PingTrace trace, int least)
    {
        (int sent, IReadOnlyList<(double From, double To, int Lost)> gaps) = await trace.EndAsync(Cancel);
        Assert.True(sent > least && gaps.Count == 0, $"{sent} sent, lost: {string.Join(' ', gaps)}");
    }
}
