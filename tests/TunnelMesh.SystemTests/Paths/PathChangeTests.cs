using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Paths;

/// <summary>Two peers and a coordinator on one network whose UDP a packet filter takes away and gives back.</summary>
public sealed class PathChangeTests
{
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("[udp, ssh, relay]", "ssh")]
    [InlineData("[udp, relay]", "relay")]
    public async Task Where_UDP_is_blocked_another_path_carries_within_a_second_and_UDP_takes_over_without_a_loss_once_it_may(string transports, string path)
    {
        Requirements.Programs("nft");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a"), b = await AddAsync(underlay, "b");
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        await BlockUdpAsync(b.Machine);
        await a.JoinAsync(Cancel, server, $"transports: {transports}");
        string target = await b.JoinAsync(Cancel, server);
        await UntilRelayedAsync(a, b);
        long began = Stopwatch.GetTimestamp();
        Assert.True(await a.Machine.ReachesAsync(target, 5, Cancel));
        Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(1.5), $"first reply after {Stopwatch.GetElapsedTime(began)}");
        await UntilPathAsync(a, "b", path);

        await using PingTrace trace = PingTrace.Start(a.Machine, target, 0.01, 10);
        await a.Machine.RunAsync(["sleep", "1"], cancel: Cancel);
        await b.Machine.RunAsync(["nft", "flush", "ruleset"], cancel: Cancel);
        long opened = Stopwatch.GetTimestamp();
        await UntilPathAsync(a, "b", "udp");
        await UntilPathAsync(b, "a", "udp");
        Assert.True(Stopwatch.GetElapsedTime(opened) < TimeSpan.FromSeconds(5), $"direct after {Stopwatch.GetElapsedTime(opened)}");
        (int sent, IReadOnlyList<(double From, double To, int Lost)> gaps) = await trace.EndAsync(Cancel);
        Assert.True(sent > 500 && gaps.Count == 0, $"{sent} sent, lost: {string.Join(' ', gaps)}");
    }

    [Theory]
    [InlineData("[udp, ssh, relay]", "ssh")]
    [InlineData("[udp, relay]", "relay")]
    public async Task UDP_cut_hard_under_traffic_is_left_within_a_second_and_taken_again_within_five_of_its_return(string transports, string path)
    {
        Requirements.Programs("nft");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a"), b = await AddAsync(underlay, "b");
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        await a.JoinAsync(Cancel, server, $"transports: {transports}");
        string target = await b.JoinAsync(Cancel, server);
        Assert.True(await a.Machine.ReachesAsync(target, 5, Cancel));
        await UntilPathAsync(a, "b", "udp");
        await UntilRelayedAsync(a, b);
        await using PingTrace trace = PingTrace.Start(a.Machine, target, 0.01, 12);
        await a.Machine.RunAsync(["sleep", "2"], cancel: Cancel);
        await BlockUdpAsync(b.Machine);
        await UntilPathAsync(a, "b", path);
        await UntilPathAsync(b, "a", path);
        await a.Machine.RunAsync(["sleep", "2"], cancel: Cancel);
        await b.Machine.RunAsync(["nft", "flush", "ruleset"], cancel: Cancel);
        long healed = Stopwatch.GetTimestamp();
        await UntilPathAsync(a, "b", "udp");
        Assert.True(Stopwatch.GetElapsedTime(healed) < TimeSpan.FromSeconds(5), $"back after {Stopwatch.GetElapsedTime(healed)}");
        (int sent, IReadOnlyList<(double From, double To, int Lost)> gaps) = await trace.EndAsync(Cancel);
        Assert.True(sent > 500, $"{sent} sent");
        Assert.All(gaps, gap => Assert.True(gap.To - gap.From < 1, $"lost: {string.Join(' ', gaps)}"));
        Assert.True(gaps.Sum(g => g.Lost) < 100, $"lost: {string.Join(' ', gaps)}");
    }

    [Fact]
    public async Task An_order_of_the_coordinator_moves_a_pair_or_a_device_at_once_without_a_loss()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a"), b = await AddAsync(underlay, "b");
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        await a.JoinAsync(Cancel, server);
        string target = await b.JoinAsync(Cancel, server);
        Assert.True(await a.Machine.ReachesAsync(target, 5, Cancel));
        await UntilPathAsync(a, "b", "udp");
        await UntilRelayedAsync(a, b);
        Assert.Equal(1, (await a.AskAsync(Cancel, "transport", "b", "ssh")).ExitCode);
        CommandResult none = await hub.AskAsync(Cancel, "transport", "b", "pigeon,udp");
        Assert.Equal(2, none.ExitCode);
        Assert.Contains("pigeon", none.Errors, StringComparison.Ordinal);
        Assert.Contains("No order", (await hub.AskAsync(Cancel, "transport")).Output, StringComparison.Ordinal);

        using LocalApiClient fromA = await a.ConnectAsync(Cancel), fromB = await b.ConnectAsync(Cancel);
        await using PingTrace trace = PingTrace.Start(a.Machine, target, 0.01, 30);
        foreach ((string[] order, string path) in new (string[], string)[]
        {
            (["b", "ssh,udp,relay", "--with", "a"], "ssh"), (["a", "relay"], "ssh"), (["a", "default", "--with", "b"], "relay"), (["b", "udp"], "udp"), (["b", "default"], "relay"), (["a", "default"], "udp"),
        })
        {
            JsonElement kept = await hub.AskJsonAsync(Cancel, ["transport", .. order]);
            long set = Stopwatch.GetTimestamp();
            await Task.WhenAll(UntilPathAsync(fromA, "b", path), UntilPathAsync(fromB, "a", path));
            Assert.True(Stopwatch.GetElapsedTime(set) < TimeSpan.FromSeconds(2), $"{string.Join(' ', order)}: after {Stopwatch.GetElapsedTime(set)}");
            if (order[1] != "default")
            {
                Assert.Contains(kept.EnumerateArray(), o => o.GetProperty("name").GetString() == order[0] && string.Join(',', o.GetProperty("transports").EnumerateArray()) == order[1]);
            }
        }
        (int sent, IReadOnlyList<(double From, double To, int Lost)> gaps) = await trace.EndAsync(Cancel);
        Assert.True(sent > 1000 && gaps.Count == 0, $"{sent} sent, lost: {string.Join(' ', gaps)}");
        Assert.Empty((await hub.AskJsonAsync(Cancel, "transport")).EnumerateArray());
    }

    [Fact]
    public async Task A_coordinator_killed_and_started_again_costs_a_direct_path_nothing()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a"), b = await AddAsync(underlay, "b");
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        await a.JoinAsync(Cancel, server);
        string target = await b.JoinAsync(Cancel, server);
        Assert.True(await a.Machine.ReachesAsync(target, 5, Cancel));
        await UntilPathAsync(a, "b", "udp");
        await using PingTrace trace = PingTrace.Start(a.Machine, target, 0.01, 8);
        await a.Machine.RunAsync(["sleep", "1"], cancel: Cancel);
        await hub.KillAsync();
        await a.Machine.RunAsync(["sleep", "2"], cancel: Cancel);
        await hub.JoinAsync(Cancel);
        await UntilRelayedAsync(a, b);
        (int sent, IReadOnlyList<(double From, double To, int Lost)> gaps) = await trace.EndAsync(Cancel);
        Assert.True(sent > 400 && gaps.Count == 0, $"{sent} sent, lost: {string.Join(' ', gaps)}");
    }

    [Fact]
    public async Task A_transport_left_out_of_the_configuration_is_not_used()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a"), b = await AddAsync(underlay, "b");
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        await a.JoinAsync(Cancel, server, "transports: [relay]");
        string target = await b.JoinAsync(Cancel, server);
        Assert.True(await a.Machine.ReachesAsync(target, 5, Cancel));
        Assert.Equal(100, await a.Machine.CountRepliesAsync(target, 100, Cancel));
        foreach ((Peer peer, string other) in new[] { (a, "b"), (b, "a") })
        {
            await UntilPathAsync(peer, other, "relay");
        }
    }

    [Theory]
    [InlineData("ssh")]
    [InlineData("relay")]
    public async Task Bulk_goes_both_ways_over_a_stream_alone(string transport)
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a"), b = await AddAsync(underlay, "b");
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443", transports = $"transports: [{transport}]";
        await a.JoinAsync(Cancel, server, transports);
        IPAddress target = IPAddress.Parse(await b.JoinAsync(Cancel, server, transports));
        Assert.True(await a.Machine.ReachesAsync(target.ToString(), 5, Cancel));
        await BulkTransfer.RunAsync(a.Machine, b.Machine, target, target, 100_000_000, 100_000_000, Cancel);
        await UntilPathAsync(a, "b", transport);
        foreach (Peer peer in (Peer[])[a, b])
        {
            JsonElement drops = (await peer.AskJsonAsync(Cancel, "status")).GetProperty("dataplane").GetProperty("drops");
            Assert.Equal(0, drops.GetProperty("forged").GetInt64() + drops.GetProperty("malformed").GetInt64());
        }
    }

    [Fact]
    public async Task Traffic_over_SSH_goes_on_within_a_second_when_its_address_is_taken_away()
    {
        Requirements.Programs("ss");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a"), b = await AddAsync(underlay, "b");
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        const string Transports = "transports: [ssh]";
        await a.JoinAsync(Cancel, server, Transports);
        string target = await b.JoinAsync(Cancel, server, Transports);
        Assert.True(await a.Machine.ReachesAsync(target, 5, Cancel));
        await UntilPathAsync(a, "b", "ssh");
        await using PingTrace trace = PingTrace.Start(a.Machine, target, 0.01, 8);
        await a.Machine.RunAsync(["sleep", "2"], cancel: Cancel);
        string local = await SshAddressAsync(a.Machine, b.Machine);
        await a.Machine.IpAsync($"address del {local}/{(local.Contains(':', StringComparison.Ordinal) ? 64 : 24)} dev eth0", Cancel);
        (int sent, IReadOnlyList<(double From, double To, int Lost)> gaps) = await trace.EndAsync(Cancel);
        Assert.NotEqual(local, await SshAddressAsync(a.Machine, b.Machine));
        Assert.True(sent > 400 && gaps.Count > 0, $"{sent} sent, lost: {string.Join(' ', gaps)}");
        Assert.All(gaps, gap => Assert.True(gap.To - gap.From < 1, $"lost: {string.Join(' ', gaps)}"));
        await UntilPathAsync(a, "b", "ssh");
    }

    // The address from which one machine talks SSH to the other.
    private static async Task<string> SshAddressAsync(NetworkNamespace from, NetworkNamespace to)
    {
        string connections = await from.RunAsync(["ss", "-Htn", "state", "established", "( sport = :2222 or dport = :2222 )"], cancel: Cancel);
        return Assert.Single(connections.Split('\n').Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(c => c.Length >= 4)
            .Select(c => (Local: AddressOf(c[2]), Remote: AddressOf(c[3]))).Where(c => c.Remote == to.Address || c.Remote == to.Address6).Select(c => c.Local).Distinct());

        static string AddressOf(string endpoint)
        {
            IPAddress address = IPEndPoint.Parse(endpoint).Address;
            return (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString();
        }
    }

    private static Task<Peer> AddAsync(Underlay underlay, string name) => Peer.AddAsync(underlay, name, Token, Cancel);

    private static async Task BlockUdpAsync(NetworkNamespace machine) => await machine.RunAsync(["nft", "-f", "-"],
        """
        table inet block {
          chain in { type filter hook input priority 0; meta l4proto udp iifname "eth0" drop; }
          chain out { type filter hook output priority 0; meta l4proto udp oifname "eth0" drop; }
        }
        """, Cancel);

    private static Task UntilPathAsync(Peer peer, string other, string path) => peer.AskUntilAsync(
        peers => peers.EnumerateArray().Any(p => p.GetProperty("name").GetString() == other && p.GetProperty("path").GetString() == path), Cancel, "peers");

    private static async Task UntilPathAsync(LocalApiClient peer, string other, string path)
    {
        long start = Stopwatch.GetTimestamp();
        for (PeerReport seen; (seen = (await peer.PeersAsync(Cancel)).Single(p => p.Name == other)).Path != path; await Task.Delay(10, Cancel))
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(10), seen.ToString());
        }
    }

    // Both have their streams to the relay.
    private static async Task UntilRelayedAsync(params Peer[] peers)
    {
        foreach (Peer peer in peers)
        {
            await peer.AskUntilAsync(status => status.GetProperty("relay") is { ValueKind: JsonValueKind.Object } relay && relay.GetProperty("open").GetBoolean(), Cancel, "status");
        }
    }
}
