using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Paths;

/// <summary>The network of a machine changes under a ping every 10 ms; a coordinator and another peer have public addresses and stay where they are.</summary>
public sealed class NetworkChangeTests
{
    private const double Second = 1;
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task After_a_change_of_address_traffic_goes_on_within_a_second_whichever_side_speaks(bool moverSpeaks)
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a"), b = await AddAsync(underlay, "b");
        (string first, string second) = await JoinAsync(hub, a, b);
        await using PingTrace trace = moverSpeaks ? PingTrace.Start(a.Machine, second, 0.01, 9) : PingTrace.Start(b.Machine, first, 0.01, 9);
        await SleepAsync(2);
        await a.Machine.IpAsync("address flush dev eth0 scope global", Cancel);
        double moved = Now;
        await a.Machine.IpAsync("address add 198.51.100.77/24 dev eth0", Cancel);
        await a.Machine.IpAsync("address add 2001:db8:51::77/64 dev eth0 nodad", Cancel);
        await AnsweredWithinAsync(trace, moved, Second);
        await UntilDirectAsync(a, b);
    }

    [Theory]
    [InlineData(2, true)]
    [InlineData(2, false)]
    [InlineData(12, true)]
    [InlineData(12, false)]
    public async Task After_an_interface_was_down_traffic_goes_on_within_a_second_of_what_the_link_allows(int seconds, bool moverSpeaks)
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a"), b = await AddAsync(underlay, "b");
        (string first, string second) = await JoinAsync(hub, a, b);
        await using PingTrace trace = moverSpeaks ? PingTrace.Start(a.Machine, second, 0.01, seconds + 9) : PingTrace.Start(b.Machine, first, 0.01, seconds + 9);
        // What the link itself allows: the kernel may take a second to see a carrier, and neighbours have to be found anew.
        await using PingTrace bare = PingTrace.Start(a.Machine, b.Machine.Address, 0.01, seconds + 9);
        await SleepAsync(2);
        await a.Machine.IpAsync("link set eth0 down", Cancel);
        await SleepAsync(seconds);
        double up = Now;
        Assert.Null(trace.FirstAnswerAfter(up - seconds + 0.5));
        await a.Machine.IpAsync("link set eth0 up", Cancel);
        await trace.EndAsync(Cancel);
        Assert.True(bare.FirstAnswerAfter(up) is not null, "the link itself did not come back");
        await AnsweredWithinAsync(trace, bare.FirstAnswerAfter(up)!.Value, Second);
        await UntilDirectAsync(a, b);
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(true, false)]
    public async Task After_the_default_route_has_moved_to_another_interface_traffic_goes_on_within_a_second(bool firstIsCut, bool moverSpeaks)
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using NatRouter cable = await NatRouter.AddAsync(underlay, Cancel), radio = await NatRouter.AddAsync(underlay, Cancel, network: "192.168.3");
        await using Peer hub = await AddAsync(underlay, "hub"), b = await AddAsync(underlay, "b");
        await using Peer a = new(underlay, await cable.AddMachineAsync(Cancel), "a", Token);
        await radio.ConnectAsync(a.Machine, "wlan0", Cancel);
        await a.Machine.IpAsync($"route add default via {radio.Gateway} metric 600", Cancel);
        (string first, string second) = await JoinAsync(hub, a, b);
        await using PingTrace trace = moverSpeaks ? PingTrace.Start(a.Machine, second, 0.01, 9) : PingTrace.Start(b.Machine, first, 0.01, 9);
        await SleepAsync(2);
        double moved = Now;
        // The kernel takes the routes of a link that is down away, and the other default route is what is left.
        await a.Machine.IpAsync(firstIsCut ? "link set eth0 down" : $"route delete default via {cable.Gateway}", Cancel);
        await AnsweredWithinAsync(trace, moved, Second);
        await UntilDirectAsync(a, b);
        string path = (await b.AskJsonAsync(Cancel, "peers")).EnumerateArray().Single(p => p.GetProperty("name").GetString() == "a").GetProperty("endpoint").GetString()!;
        Assert.StartsWith($"{radio.Outside}:", path, StringComparison.Ordinal);
    }

    // A machine that sleeps cannot be had here; a program that stands still while the world goes on sees much of the same: timers long due, and streams that the coordinator has given up.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_peer_that_stood_still_for_twenty_seconds_carries_on_within_a_second_of_waking(bool sleeperSpeaks)
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a"), b = await AddAsync(underlay, "b");
        (string first, string second) = await JoinAsync(hub, a, b);
        await using PingTrace trace = sleeperSpeaks ? PingTrace.Start(a.Machine, second, 0.01, 28) : PingTrace.Start(b.Machine, first, 0.01, 28);
        await SleepAsync(2);
        string sleeper = a.Program!.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture);
        await Command.RunAsync(["kill", "-STOP", sleeper], cancel: Cancel);
        double stopped = Now;
        await SleepAsync(20);
        Assert.Null(trace.FirstAnswerAfter(stopped + 0.1));
        double woken = Now;
        await Command.RunAsync(["kill", "-CONT", sleeper], cancel: Cancel);
        await AnsweredWithinAsync(trace, woken, Second);
        await UntilDirectAsync(a, b);
        await a.AskUntilAsync(status => status.GetProperty("relay").GetProperty("open").GetBoolean(), Cancel, "status");
    }

    [Fact]
    public async Task The_meshs_own_interface_is_as_it_was_again_whatever_somebody_does_to_it_and_what_cannot_be_put_back_is_said()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a");
        string hubIp = await hub.JoinAsync(Cancel), hubIp6 = (await hub.AskJsonAsync(Cancel, "status")).GetProperty("mesh_ip6").GetString()!;
        await a.JoinAsync(Cancel, $"{hub.Machine.Address}:8443");
        // Where its packets would go without it.
        await a.Machine.IpAsync($"route add default via {hub.Machine.Address}", Cancel);
        await a.Machine.IpAsync($"route add default via {hub.Machine.Address6}", Cancel);
        string whole = await InterfaceAsync(a);
        string[] changes =
        [
            "link set tun-mesh0 down", "address flush dev tun-mesh0", "-6 address flush dev tun-mesh0", "route flush dev tun-mesh0", "-6 route flush dev tun-mesh0", "link set tun-mesh0 mtu 9000", "link set tun-mesh0 mtu 1000",
        ];
        foreach (string change in changes)
        {
            await a.Machine.IpAsync(change, Cancel);
            await UntilWholeAsync(a, whole, change);
            Assert.True(await a.Machine.ReachesAsync(hubIp, 5, Cancel), change);
            Assert.True(await a.Machine.ReachesAsync(hubIp6, 5, Cancel), change);
        }

        // The same address for itself alone, before anybody can look.
        await a.Machine.RunAsync(
            ["sh", "-c", "of=$(ip -o -6 address show dev tun-mesh0 | awk '{print $4; exit}'); printf 'address delete %s dev tun-mesh0\naddress add %s/128 dev tun-mesh0\n' $of ${of%/*} | ip -6 -batch -"], cancel: Cancel);
        await UntilWholeAsync(a, whole, "address add MESH_IP6/128");

        // So often that it is said, too.
        JsonElement tun = (await a.AskJsonAsync(Cancel, "status")).GetProperty("tun");
        Assert.True(tun.GetProperty("restored").GetInt32() > changes.Length && tun.GetProperty("problem").GetString()!.Contains("again and again", StringComparison.Ordinal), tun.ToString());
        Assert.Single(a.Program!.Output.Split('\n'), line => line.Contains("another program has changed the mesh's interface", StringComparison.Ordinal));

        await a.Machine.RunAsync(["sysctl", "-qw", "net.ipv6.conf.tun-mesh0.disable_ipv6=1"], cancel: Cancel);
        await a.AskUntilAsync(s => s.GetProperty("tun").GetProperty("problem").GetString()?.Contains("IPv6 was switched off on tun-mesh0", StringComparison.Ordinal) ?? false, Cancel, "status");
        Assert.Contains("NOT AS IT HAS TO BE", (await a.AskAsync(Cancel, "status")).Output, StringComparison.Ordinal);
        Assert.Contains("Interface of this machine: tun-mesh0, MTU 1400", (await a.AskAsync(Cancel, "doctor")).Output, StringComparison.Ordinal);
        Assert.Contains("THE MESH'S INTERFACE IS NOT AS IT HAS TO BE", a.Program.Output, StringComparison.Ordinal);
        await a.Machine.RunAsync(["sysctl", "-qw", "net.ipv6.conf.tun-mesh0.disable_ipv6=0"], cancel: Cancel);
        await a.AskUntilAsync(s => s.GetProperty("tun").GetProperty("problem").GetString()?.Contains("IPv6", StringComparison.Ordinal) != true, Cancel, "status");
        Assert.Equal(whole, await InterfaceAsync(a));
        Assert.Equal(0, await a.StopAsync(Cancel));
    }

    private static async Task<string> InterfaceAsync(Peer peer) =>
        (await peer.Machine.TryRunAsync(["sh", "-c", "for words in '-o link' '-o address' '-4 route' '-6 route'; do ip $words show dev tun-mesh0 || exit; done"], Cancel)).Output;

    // Well before anything is looked at just because time has passed.
    private static async Task UntilWholeAsync(Peer peer, string whole, string change)
    {
        long start = Stopwatch.GetTimestamp();
        for (string now; (now = await InterfaceAsync(peer)) != whole;)
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(3), $"after ip {change} it is\n{now}\nand was\n{whole}\n{peer.Program!.Output}");
        }
    }

    private static double Now => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0;

    // The first answer, and none lost for that long later on either.
    private static async Task AnsweredWithinAsync(PingTrace trace, double from, double seconds)
    {
        (int sent, IReadOnlyList<(double From, double To, int Lost)> gaps) = await trace.EndAsync(Cancel);
        string all = $"{sent} sent; lost: {string.Join(' ', gaps.Select(g => $"{g.Lost} from {g.From - from:0.000} to {g.To - from:0.000} s"))}";
        TestContext.Current.SendDiagnosticMessage(all);
        double after = (trace.FirstAnswerAfter(from) ?? double.PositiveInfinity) - from;
        Assert.True(after < seconds, $"answered {after:0.000} s after it; {all}");
        Assert.True(gaps.All(g => g.To - Math.Max(g.From, from) < seconds), all);
    }

    private static async Task<(string First, string Second)> JoinAsync(Peer hub, Peer a, Peer b)
    {
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        string first = await a.JoinAsync(Cancel, server), second = await b.JoinAsync(Cancel, server);
        Assert.True(await a.Machine.ReachesAsync(second, 5, Cancel));
        await UntilDirectAsync(a, b);
        return (first, second);
    }

    private static async Task UntilDirectAsync(Peer a, Peer b)
    {
        foreach ((Peer peer, Peer other) in new[] { (a, b), (b, a) })
        {
            await peer.AskUntilAsync(
                peers => peers.EnumerateArray().Any(p => p.GetProperty("name").GetString() == other.Name && p.GetProperty("path").GetString() == "udp"), Cancel, "peers");
        }
    }

    private static Task SleepAsync(int seconds) => Task.Delay(TimeSpan.FromSeconds(seconds), Cancel);

    private static Task<Peer> AddAsync(Underlay underlay, string name) => Peer.AddAsync(underlay, name, Token, Cancel);
}
