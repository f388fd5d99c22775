using System.Security.Cryptography;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Peers;

/// <summary>What bench/soak does for half an hour, in half a minute: peers that move and vanish while packets flow at full rate.</summary>
public sealed class ComingAndGoingTests
{
    private const int Seconds = 16;

    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_peer_that_moves_under_full_load_loses_nothing_but_what_the_move_costs()
    {
        Requirements.Programs("iperf3");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel), mover = await Peer.AddAsync(underlay, "mover", Token, Cancel);
        string hubAddress = await hub.JoinAsync(Cancel);
        // One way only, so that a move leaves none.
        await mover.Machine.IpAsync($"address delete {mover.Machine.Address6}/64 dev eth0", Cancel);
        await mover.Machine.RunAsync(["sysctl", "-q", "-w", "net.ipv4.conf.all.promote_secondaries=1"], cancel: Cancel);
        string address = await mover.JoinAsync(Cancel, $"{hub.Machine.Address}:8443");
        Assert.True(await hub.Machine.ReachesAsync(address, 10, Cancel));
        await using RunningProgram server = mover.Machine.Start(["iperf3", "--server", "--one-off", "--bind", address, "--forceflush"]);
        await server.WaitForLineAsync("Server listening", TimeSpan.FromSeconds(10), Cancel);
        await using RunningProgram bulk = hub.Machine.Start(["iperf3", "--client", address, "--bidir", "--time", $"{Seconds}"]);
        await using PingTrace there = PingTrace.Start(hub.Machine, address, 0.01, Seconds), back = PingTrace.Start(mover.Machine, hubAddress, 0.01, Seconds);

        List<double> moves = [];
        string[] outside = [mover.Machine.Address, "198.51.100.77"];
        for (int i = 0; i < 4; i++)
        {
            // A move is judged by the two seconds after it.
            await Task.Delay(TimeSpan.FromSeconds(3), Cancel);
            moves.Add(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0);
            await mover.Machine.IpAsync($"address add {outside[(i + 1) % 2]}/24 dev eth0", Cancel);
            await mover.Machine.IpAsync($"address delete {outside[i % 2]}/24 dev eth0", Cancel);
        }

        foreach (PingTrace trace in (PingTrace[])[there, back])
        {
            (int sent, IReadOnlyList<(double From, double To, int Lost)> gaps) = await trace.EndAsync(Cancel);
            Assert.True(sent > 300, $"{sent} pings");
            Assert.All(gaps, gap => Assert.True(
                moves.Exists(at => gap.From > at - 0.2 && gap.To < at + 2), $"{gap.Lost} of {sent} pings lost from {gap.From:F2} to {gap.To:F2}; moves at {string.Join(' ', moves)}"));
        }

        Assert.Equal(0, await bulk.WaitForExitAsync(TimeSpan.FromSeconds(30), Cancel));
        string? endpoint = (await hub.AskJsonAsync(Cancel, "peers"))[0].GetProperty("endpoint").GetString();
        Assert.StartsWith(outside[0] + ":", endpoint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_peer_that_is_killed_and_comes_back_is_reached_from_its_first_packet_on()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel), guest = await Peer.AddAsync(underlay, "guest", Token, Cancel);
        string hubAddress = await hub.JoinAsync(Cancel);
        for (int visit = 0; visit < 3; visit++)
        {
            string address = await guest.JoinAsync(Cancel, $"{hub.Machine.Address}:8443");
            Assert.Equal(20, await guest.Machine.CountRepliesAsync(hubAddress, 20, Cancel));
            Assert.Equal(20, await hub.Machine.CountRepliesAsync(address, 20, Cancel));
            await guest.KillAsync();
        }
    }
}
