using System.Security.Cryptography;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Services;

/// <summary>What a real peer tells whoever started it as a service.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class NotificationTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_peer_says_that_it_is_usable_then_that_its_data_plane_moves_and_last_that_it_stops(int threads)
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)), Cancel);
        string path = Path.Combine(underlay.Folder, "notify");
        using NotifiedManager manager = new(path);
        hub.Variables["NOTIFY_SOCKET"] = path;
        hub.Variables["WATCHDOG_USEC"] = "200000";
        string address = await hub.JoinAsync(Cancel, configuration: $"dataplane:\n  threads_per_lane: {threads}");

        Assert.Equal($"READY=1\nSTATUS=Connected to mesh as hub ({address})", await manager.NextAsync(Patience, Cancel));
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal("WATCHDOG=1", await manager.NextAsync(Patience, Cancel));
        }

        Assert.Equal(0, await hub.StopAsync(Cancel));
        string last = await manager.NextAsync(Patience, Cancel);
        for (; last == "WATCHDOG=1"; last = await manager.NextAsync(Patience, Cancel))
        {
        }

        Assert.Equal("STOPPING=1\nSTATUS=Stopping", last);
        Assert.DoesNotContain("hangs", hub.Program!.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_watchdog_that_is_another_process_s_and_a_start_that_fails_are_not_told_of()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)), Cancel);
        string path = Path.Combine(underlay.Folder, "notify");
        using NotifiedManager manager = new(path);
        hub.Variables["NOTIFY_SOCKET"] = path;
        hub.Variables["WATCHDOG_USEC"] = "1000";
        hub.Variables["WATCHDOG_PID"] = "1";
        (int code, _) = await hub.FailToJoinAsync(Cancel, configuration: "udp_port: 70000");
        Assert.Equal(3, code);
        Assert.True(manager.IsQuiet);

        await hub.JoinAsync(Cancel);
        Assert.StartsWith("READY=1", await manager.NextAsync(Patience, Cancel), StringComparison.Ordinal);
        Assert.Equal(0, await hub.StopAsync(Cancel));
        Assert.StartsWith("STOPPING=1", await manager.NextAsync(Patience, Cancel), StringComparison.Ordinal);
        Assert.True(manager.IsQuiet);
    }
}
