using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Peers;

/// <summary>A coordinator whose machine changes its address.</summary>
public sealed class MovedCoordinatorTests
{
    private const string Other = "198.51.100.77";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Peers_ask_a_new_address_how_they_are_seen_and_find_the_coordinator_there_when_the_old_one_is_gone()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel), a = await Peer.AddAsync(underlay, "a", Token, Cancel);
        // One address only, so that no other leads there.
        await hub.Machine.IpAsync($"address delete {hub.Machine.Address6}/64 dev eth0", Cancel);
        await hub.Machine.RunAsync(["sysctl", "-q", "-w", "net.ipv4.conf.all.promote_secondaries=1"], cancel: Cancel);
        await hub.JoinAsync(Cancel);
        await a.JoinAsync(Cancel, $"{hub.Machine.Address}:8443");
        Assert.DoesNotContain(Servers(await a.AskJsonAsync(Cancel, "netcheck")), s => s.StartsWith(Other, StringComparison.Ordinal));

        await hub.Machine.IpAsync($"address add {Other}/24 dev eth0", Cancel);
        await a.AskUntilAsync(answer => Servers(answer).Contains($"{Other}:3478"), Cancel, "netcheck");

        await hub.Machine.IpAsync($"address delete {hub.Machine.Address}/24 dev eth0", Cancel);
        JsonElement status;
        for (long start = Stopwatch.GetTimestamp(); !IsThere(status = await a.AskJsonAsync(Cancel, "status")); await Task.Delay(100, Cancel))
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Patience, status.ToString());
        }
    }

    private static bool IsThere(JsonElement status) =>
        status.GetProperty("coordinator") is var coordinator && coordinator.GetProperty("state").GetString() == "connected" && coordinator.GetProperty("url").GetString()!.Contains(Other, StringComparison.Ordinal);

    private static string[] Servers(JsonElement answer) => [.. answer.GetProperty("ipv4").GetProperty("servers").EnumerateArray().Select(s => s.GetProperty("server").GetString()!)];
}
