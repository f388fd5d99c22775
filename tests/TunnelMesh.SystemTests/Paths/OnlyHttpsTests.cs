using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Paths;

/// <summary>Networks that let next to nothing out: TCP to port 443 of the coordinator, or to an HTTP proxy alone.</summary>
public sealed class OnlyHttpsTests
{
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Where_only_443_of_the_coordinator_is_open_the_first_packet_passes_within_a_second_over_the_relay(bool bothSides)
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a"), b = await AddAsync(underlay, "b");
        string server = await ServeAsync(hub);
        foreach (Peer peer in bothSides ? new[] { a, b } : [a])
        {
            await OnlyAsync(peer.Machine, hub.Machine.Address, 443);
            Assert.False(await peer.Machine.ReachesAsync(hub.Machine.Address, 1, Cancel));
        }

        string first = await a.JoinAsync(Cancel, server), second = await b.JoinAsync(Cancel, server);
        await ReachAsync(a, second);
        await RelayedWithoutLossAsync(a, b, first, second);
        await FilteredAsync(a);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Where_only_an_HTTP_proxy_can_be_reached_the_first_packet_passes_within_a_second_over_the_relay(bool bothSides)
    {
        Requirements.Programs("tinyproxy");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        NetworkNamespace gate = await underlay.AddMachineAsync(Cancel);
        await using HttpProxy proxy = await HttpProxy.StartAsync(underlay, gate, Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a"), b = await AddAsync(underlay, "b");
        string server = await ServeAsync(hub);
        string[] through = ["env", $"HTTPS_PROXY={proxy.Address}"];
        foreach (Peer peer in bothSides ? new[] { a, b } : [a])
        {
            await OnlyAsync(peer.Machine, gate.Address, 8888);
        }

        string first = await a.JoinAsync(Cancel, server, wrapper: through), second = await b.JoinAsync(Cancel, server, wrapper: bothSides ? through : null);
        await ReachAsync(a, second);
        await RelayedWithoutLossAsync(a, b, first, second);
        await FilteredAsync(a);
        // Of each: its join, its control stream, its relay.
        Assert.Equal(bothSides ? 6 : 3, proxy.Requests.Count);
        Assert.All(proxy.Requests, request => Assert.StartsWith($"CONNECT {server} HTTP/1.1", request, StringComparison.Ordinal));
    }

    private static async Task<string> ServeAsync(Peer hub)
    {
        await hub.JoinAsync(Cancel, coordinator: "listen: [\":8443\", \":443\"]");
        return $"{hub.Machine.Address}:443";
    }

    // Both are up: from here on the clock runs.
    private static async Task ReachAsync(Peer from, string target)
    {
        long began = Stopwatch.GetTimestamp();
        Assert.True(await from.Machine.ReachesAsync(target, 5, Cancel));
        Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(1), $"first reply after {Stopwatch.GetElapsedTime(began)}");
    }

    private static async Task RelayedWithoutLossAsync(Peer a, Peer b, string first, string second)
    {
        await using PingTrace there = PingTrace.Start(a.Machine, second, 0.01, 4), back = PingTrace.Start(b.Machine, first, 0.01, 4);
        foreach (PingTrace trace in (PingTrace[])[there, back])
        {
            (int sent, IReadOnlyList<(double From, double To, int Lost)> gaps) = await trace.EndAsync(Cancel);
            Assert.True(sent > 200 && gaps.Count == 0, $"{sent} sent, lost: {string.Join(' ', gaps)}");
        }

        foreach ((Peer peer, Peer other) in new[] { (a, b), (b, a) })
        {
            JsonElement found = (await peer.AskJsonAsync(Cancel, "peers")).EnumerateArray().Single(p => p.GetProperty("name").GetString() == other.Name);
            Assert.Equal("relay", found.GetProperty("path").GetString());
        }
    }

    // Everything else was tried, and the filter was what kept it in.
    private static async Task FilteredAsync(Peer peer)
    {
        string counter = await peer.Machine.RunAsync(["nft", "list", "counter", "inet", "only", "kept"], cancel: Cancel);
        Assert.DoesNotContain("packets 0 ", counter, StringComparison.Ordinal);
    }

    // Neither IPv6 nor ICMP, nor anything from outside, gets past it.
    private static async Task OnlyAsync(NetworkNamespace machine, string address, int port)
    {
        Requirements.Programs("nft");
        await machine.RunAsync(["nft", "-f", "-"],
            $$"""
            table inet only {
              counter kept { }
              chain in { type filter hook input priority 0; iifname "eth0" ip saddr {{address}} tcp sport {{port}} accept; iifname "eth0" drop; }
              chain out { type filter hook output priority 0; oifname "eth0" ip daddr {{address}} tcp dport {{port}} accept; oifname "eth0" counter name kept drop; }
            }
            """, Cancel);
    }

    private static Task<Peer> AddAsync(Underlay underlay, string name) => Peer.AddAsync(underlay, name, Token, Cancel);
}
