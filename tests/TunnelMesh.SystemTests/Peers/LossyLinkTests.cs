using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Peers;

/// <summary>Two peers at the ends of a long link that loses one packet in a hundred.</summary>
public sealed class LossyLinkTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_mesh_comes_up_over_it_and_streams_arrive_whole()
    {
        string token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer near = await Peer.AddAsync(underlay, "near", token, Cancel), far = await Peer.AddAsync(underlay, "far", token, Cancel);
        await using LossyLink link = await LossyLink.LayAsync(underlay, near.Machine, far.Machine, lossPercent: 1, delayMilliseconds: 10, Cancel);
        await near.JoinAsync(Cancel);
        string address = await far.JoinAsync(Cancel, $"{near.Machine.Address}:8443");
        string address6 = (await far.AskJsonAsync(Cancel, "status")).GetProperty("mesh_ip6").GetString()!;
        Assert.True(await near.Machine.ReachesAsync(address, 10, Cancel));
        await Task.WhenAll(new[] { address, address, address6, address6 }.Select(IPAddress.Parse).Select(
            target => BulkTransfer.RunAsync(near.Machine, far.Machine, target, target, 2_000_000, 2_000_000, Cancel)));

        // What was lost was lost outside, and seen by nobody but TCP.
        foreach (Peer peer in (Peer[])[near, far])
        {
            JsonElement drops = (await peer.AskJsonAsync(Cancel, "status")).GetProperty("dataplane").GetProperty("drops");
            Assert.All(new[] { "forged", "replayed", "malformed", "send_failed", "tun_failed", "no_session" }, reason => Assert.True(drops.GetProperty(reason).GetInt64() == 0, drops.ToString()));
        }

        (int taken, int lost) = await link.StopAsync(Cancel);
        Assert.True(taken > 4 * 2 * 2_000_000 / 1400, $"{taken} packets went over the link");
        Assert.InRange(lost / (double)taken, 0.007, 0.013);
    }

    [Fact]
    public async Task The_link_itself_delays_and_loses_what_it_is_told_to()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        NetworkNamespace near = await underlay.AddMachineAsync(Cancel), far = await underlay.AddMachineAsync(Cancel);
        const int count = 1000;
        await using LossyLink link = await LossyLink.LayAsync(underlay, near, far, lossPercent: 10, delayMilliseconds: 15, Cancel);
        CommandResult ping = await near.TryRunAsync(["ping", "-n", "-c", $"{count}", "-i", "0.005", "-W", "1", far.Address], Cancel);
        double[] times = [.. ping.Output.Split('\n').Where(l => l.Contains("time=", StringComparison.Ordinal))
            .Select(l => double.Parse(l[(l.IndexOf("time=", StringComparison.Ordinal) + 5)..l.LastIndexOf(" ms", StringComparison.Ordinal)], CultureInfo.InvariantCulture)).Order()];
        Assert.True(times[0] >= 30, $"an answer after {times[0]} ms");
        Assert.True(times[times.Length / 2] < 40, $"half of the answers took more than {times[times.Length / 2]} ms");

        // 0.81 of the pings are answered; the bounds are eight times the deviation away.
        Assert.InRange(times.Length, count * 0.71, count * 0.91);
        (int taken, int lost) = await link.StopAsync(Cancel);
        Assert.InRange(lost / (double)taken, 0.04, 0.16);
    }
}
