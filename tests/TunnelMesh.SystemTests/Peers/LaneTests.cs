using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.WireGuard;

namespace TunnelMesh.SystemTests.Peers;

/// <summary>Several lanes and two threads a lane, on real queues and sockets.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class LaneTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1, 2)]
    [InlineData(3, 1)]
    [InlineData(2, 2)]
    public async Task WireGuard_go_exchanges_bulk_with_every_arrangement(int lanes, int threads)
    {
        Requirements.Programs("iperf3");
        await using TunnelPair pair = await TunnelPair.StartAsync(overIPv6: false, theyBegin: threads == 2, 200, Cancel, lanes, threads);
        NetworkNamespace from = threads == 2 ? pair.Theirs : pair.Ours;
        Assert.True(await from.ReachesAsync(threads == 2 ? "10.9.0.2" : "10.9.0.1", 10, Cancel), pair.Describe());
        Assert.Equal(10, await pair.Ours.CountRepliesAsync("fd09::1", 10, Cancel));
        Assert.Equal((lanes, threads), (pair.Device.Plane.Lanes, pair.Device.Plane.ThreadsPerLane));
        await TransferAsync(pair.Ours, pair.Theirs, "10.9.0.1");
        Assert.Equal(0, pair.Device.Plane.Counters[Node.DataPlane.DropReason.Forged] + pair.Device.Plane.Counters[Node.DataPlane.DropReason.NoSession]);
        Assert.True(pair.Device.Plane.Counters.OpenedPackets > 1000, pair.Describe());
    }

    [Fact]
    public async Task A_hub_of_three_lanes_with_two_threads_serves_peers_of_other_arrangements_at_once()
    {
        Requirements.Programs("iperf3");
        string token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", token, Cancel);
        string address = await hub.JoinAsync(Cancel, configuration: Arrangement(3, 2));
        await using Peer a = await Peer.AddAsync(underlay, "a", token, Cancel), b = await Peer.AddAsync(underlay, "b", token, Cancel),
            c = await Peer.AddAsync(underlay, "c", token, Cancel), d = await Peer.AddAsync(underlay, "d", token, Cancel);
        (Peer Peer, string Arrangement)[] others = [(a, Arrangement(1, 1)), (b, Arrangement(1, 2)), (c, Arrangement(2, 1)), (d, Arrangement(4, 2))];
        foreach ((Peer peer, string arrangement) in others)
        {
            await peer.JoinAsync(Cancel, $"{hub.Machine.Address}:8443", arrangement);
            Assert.True(await peer.Machine.ReachesAsync(address, 5, Cancel));
        }

        await Task.WhenAll(others.Select(o => TransferAsync(o.Peer.Machine, hub.Machine, address)));
        Assert.True(await a.Machine.ReachesAsync((await d.AskAsync(Cancel, "resolve", "d")).Output.Split('\n')[0], 5, Cancel));
        JsonElement plane = (await hub.AskJsonAsync(Cancel, "status")).GetProperty("dataplane");
        Assert.Equal((3, 2), (plane.GetProperty("lanes").GetInt32(), plane.GetProperty("threads_per_lane").GetInt32()));
        Assert.Equal(0, plane.GetProperty("drops").GetProperty("queue_full").GetInt64());

        // Every sending thread and every receiving one has ended, and the interface with its last queue.
        Assert.Equal(0, await hub.StopAsync(Cancel));
        Assert.False((await hub.Machine.TryRunAsync(["ip", "link", "show", "tun-mesh0"], Cancel)).Succeeded);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_busy_lane_stays_on_its_processor_and_roams_again_when_it_is_idle(bool allowed)
    {
        Requirements.Programs("iperf3");
        Assert.SkipUnless(Environment.ProcessorCount > 1, "with one processor there is nothing to choose");
        string token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", token, Cancel), peer = await Peer.AddAsync(underlay, "peer", token, Cancel);
        string address = await hub.JoinAsync(Cancel);
        await peer.JoinAsync(Cancel, $"{hub.Machine.Address}:8443", string.Create(CultureInfo.InvariantCulture, $"dataplane:\n  lanes: 1\n  stay_on_cpu: {(allowed ? "true" : "false")}"));
        await peer.AskUntilAsync(status => status.GetProperty("dataplane").GetProperty("stay_on_cpu").GetBoolean() == allowed, Cancel, "status");
        Assert.True(await peer.Machine.ReachesAsync(address, 5, Cancel));
        await using RunningProgram server = hub.Machine.Start(["iperf3", "--server", "--one-off", "--bind", address, "--forceflush"]);
        await server.WaitForLineAsync("Server listening", TimeSpan.FromSeconds(10), Cancel);
        await using (RunningProgram client = peer.Machine.Start(["iperf3", "--client", address, "--time", allowed ? "120" : "3"]))
        {
            if (allowed)
            {
                // Beside other tests it may have to wait too much there for a while.
                await peer.AskUntilAsync(status => Staying(status) == 1, TimeSpan.FromSeconds(90), Cancel, "status");
            }
            else
            {
                Task<int> end = client.WaitForExitAsync(TimeSpan.FromSeconds(60), Cancel);
                while (!end.IsCompleted)
                {
                    Assert.Equal(0, Staying(await peer.AskJsonAsync(Cancel, "status")));
                }

                Assert.True(await end == 0, client.Output);
            }
        }

        await peer.AskUntilAsync(status => Staying(status) == 0, Cancel, "status");
    }

    private static int Staying(JsonElement status) => status.GetProperty("dataplane").GetProperty("staying_on_cpus").GetArrayLength();

    private static string Arrangement(int lanes, int threads) =>
        string.Create(CultureInfo.InvariantCulture, $"dataplane:\n  lanes: {lanes}\n  threads_per_lane: {threads}");

    private static async Task TransferAsync(NetworkNamespace client, NetworkNamespace server, string address)
    {
        foreach (string[] direction in new[] { Array.Empty<string>(), ["--reverse"] })
        {
            // A port of its own for each pair that runs at once.
            string port = RandomNumberGenerator.GetInt32(20000, 30000).ToString(CultureInfo.InvariantCulture);
            await using RunningProgram listening = server.Start(["iperf3", "--server", "--one-off", "--bind", address, "--port", port, "--forceflush"]);
            await listening.WaitForLineAsync("Server listening", TimeSpan.FromSeconds(10), Cancel);
            CommandResult result = await client.TryRunAsync(["iperf3", "--client", address, "--port", port, "--bytes", "20M", "--parallel", "2", .. direction], Cancel);
            Assert.True(result.Succeeded, result.ToString());
        }
    }
}
