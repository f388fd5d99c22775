using System.Security.Cryptography;
using System.Text.Json;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Paths;

/// <summary>What `ping`, `netcheck` and `doctor` say of two peers and a coordinator on one network, some of whose UDP a packet filter takes away.</summary>
public sealed class DiagnosisTests
{
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task In_a_plain_network_pings_go_over_UDP_and_nothing_is_wrong()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a"), b = await AddAsync(underlay, "b");
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        string own = await a.JoinAsync(Cancel, server), target = await b.JoinAsync(Cancel, server);

        await KnowsAsync(a, "b");
        CommandResult direct = await a.AskAsync(Cancel, "ping", target, "--until-direct", "--interval", "50ms");
        Assert.True(direct.Succeeded, direct.ToString());
        CommandResult three = await a.AskAsync(Cancel, "ping", "b", "--count", "3", "--interval", "10ms");
        Assert.True(three.Succeeded, three.ToString());
        string[] lines = three.Output.TrimEnd().Split('\n');
        Assert.All(lines[..^1], line => Assert.Matches($@"^b \({target}\): \d+\.\d\d ms via udp (198\.51\.100\.3|\[2001:db8:51::3\]):2223$", line));
        Assert.Contains("3 sent, 3 answered, 0 % lost", lines[^1], StringComparison.Ordinal);
        CommandResult[] both = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => a.AskAsync(Cancel, "ping", "b", "--count", "30", "--interval", "10ms")));
        Assert.All(both, r => Assert.Contains("30 sent, 30 answered, 0 % lost", r.Output, StringComparison.Ordinal));
        CommandResult self = await a.AskAsync(Cancel, "ping", own), nobody = await a.AskAsync(Cancel, "ping", "nobody");
        Assert.Equal((1, 1), (self.ExitCode, nobody.ExitCode));
        Assert.Contains("this device itself", self.Errors, StringComparison.Ordinal);
        Assert.Contains("called `nobody`", nobody.Errors, StringComparison.Ordinal);

        await a.AskUntilAsync(status => status.GetProperty("relay").GetProperty("open").GetBoolean(), Cancel, "status");
        JsonElement network = await a.AskJsonAsync(Cancel, "netcheck");
        Assert.False(network.GetProperty("udp_blocked").GetBoolean(), network.ToString());
        Assert.Equal("none", network.GetProperty("ipv4").GetProperty("mapping").GetString());
        Assert.True(network.GetProperty("ipv4").GetProperty("usable").GetBoolean(), network.ToString());
        Assert.Equal($"{a.Machine.Address}:2223", network.GetProperty("ipv4").GetProperty("servers")[0].GetProperty("seen_as").GetString());
        Assert.Equal(2222, network.GetProperty("ssh_port").GetInt32());
        Assert.Empty(network.GetProperty("advice").EnumerateArray());
        JsonElement found = await a.AskJsonAsync(Cancel, "doctor", "b");
        Assert.Equal("fine", found[0].GetProperty("cause").GetString());
        CommandResult doctor = await a.AskAsync(Cancel, "doctor");
        Assert.Contains("reached directly and well", doctor.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_UDP_is_blocked_the_doctor_names_it_on_either_side_and_ping_sees_the_path_change_when_it_is_opened()
    {
        Requirements.Programs("nft");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a"), b = await AddAsync(underlay, "b");
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        await BlockUdpAsync(b.Machine);
        await a.JoinAsync(Cancel, server, "transports: [udp, relay]");
        await b.JoinAsync(Cancel, server, "transports: [udp, relay]");
        foreach (Peer peer in new[] { a, b })
        {
            await peer.AskUntilAsync(status => status.GetProperty("relay").GetProperty("open").GetBoolean(), Cancel, "status");
        }

        await KnowsAsync(a, "b");
        CommandResult relayed = await a.AskAsync(Cancel, "ping", "b", "--until-direct", "--interval", "100ms", "--timeout", "2s");
        Assert.Equal(1, relayed.ExitCode);
        Assert.Contains("ms via relay", relayed.Output, StringComparison.Ordinal);
        JsonElement theirs = await a.AskJsonAsync(Cancel, "doctor", "b"), ours = await b.AskJsonAsync(Cancel, "doctor", "a");
        Assert.Equal(("no_answer", "relay"), Cause(theirs));
        Assert.Contains("on its side", theirs[0].GetProperty("summary").GetString(), StringComparison.Ordinal);
        Assert.Contains(theirs[0].GetProperty("paths").EnumerateArray(), p =>
            p.GetProperty("transport").GetString() == "udp" && p.GetProperty("probes").GetInt64() > 3 && p.GetProperty("echoes").GetInt64() == 0);
        Assert.Equal(("udp_blocked", "relay"), Cause(ours));
        JsonElement network = await b.AskJsonAsync(Cancel, "netcheck");
        Assert.True(network.GetProperty("udp_blocked").GetBoolean(), network.ToString());
        Assert.Contains("UDP is blocked", Assert.Single(network.GetProperty("advice").EnumerateArray()).GetString(), StringComparison.Ordinal);

        await using RunningProgram ping = a.Machine.Start(
            [Repository.Binary, "ping", "b", "--until-direct", "--interval", "50ms"], new Dictionary<string, string> { ["TUNNELMESH_HOME"] = a.Home });
        await ping.WaitForLineAsync("ms via relay", TimeSpan.FromSeconds(5), Cancel);
        await b.Machine.RunAsync(["nft", "flush", "ruleset"], cancel: Cancel);
        Assert.Equal(0, await ping.WaitForExitAsync(TimeSpan.FromSeconds(25), Cancel));
        await ping.WaitForLineAsync("path changed from relay to udp ", TimeSpan.FromSeconds(1), Cancel);
        await ping.WaitForLineAsync(" sent, ", TimeSpan.FromSeconds(1), Cancel);
    }

    [Fact]
    public async Task An_interrupted_ping_ends_with_its_summary()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a");
        await hub.JoinAsync(Cancel);
        await a.JoinAsync(Cancel, $"{hub.Machine.Address}:8443");
        await using RunningProgram ping = a.Machine.Start([Repository.Binary, "ping", "hub"], new Dictionary<string, string> { ["TUNNELMESH_HOME"] = a.Home });
        await ping.WaitForLineAsync("ms via ", TimeSpan.FromSeconds(10), Cancel);
        Assert.Equal(0, await ping.TerminateAsync(TimeSpan.FromSeconds(5), Cancel));
        await ping.WaitForLineAsync("0 % lost, min/avg/max ", TimeSpan.FromSeconds(1), Cancel);
    }

    [Fact]
    public async Task When_UDP_is_cut_under_traffic_ping_sees_the_path_change_and_the_doctor_names_the_address_that_has_stopped()
    {
        Requirements.Programs("nft");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a"), b = await AddAsync(underlay, "b");
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        await a.JoinAsync(Cancel, server, "transports: [udp, relay]");
        string target = await b.JoinAsync(Cancel, server, "transports: [udp, relay]");
        await KnowsAsync(a, "b");
        Assert.True((await a.AskAsync(Cancel, "ping", "b", "--until-direct", "--interval", "50ms")).Succeeded);
        await using PingTrace traffic = PingTrace.Start(a.Machine, target, 0.05, 10);
        await using RunningProgram ping = a.Machine.Start([Repository.Binary, "ping", "b", "--interval", "100ms"], new Dictionary<string, string> { ["TUNNELMESH_HOME"] = a.Home });
        await ping.WaitForLineAsync("ms via udp ", TimeSpan.FromSeconds(5), Cancel);
        await BlockUdpAsync(b.Machine);
        await ping.WaitForLineAsync("ms via relay", TimeSpan.FromSeconds(10), Cancel);
        JsonElement found = await a.AskJsonAsync(Cancel, "doctor", "b");
        Assert.Equal(("direct_lost", "relay"), Cause(found));
        Assert.Equal(0, await ping.TerminateAsync(TimeSpan.FromSeconds(5), Cancel));
    }

    // Whoever has joined is known to the others a moment later: the coordinator gathers what changes for 100 ms.
    private static Task KnowsAsync(Peer peer, string other) => peer.AskUntilAsync(peers => peers.EnumerateArray().Any(p => p.GetProperty("name").GetString() == other), Cancel, "peers");

    private static (string? Cause, string? Path) Cause(JsonElement reports) => (reports[0].GetProperty("cause").GetString(), reports[0].GetProperty("path").GetString());

    private static Task<Peer> AddAsync(Underlay underlay, string name) => Peer.AddAsync(underlay, name, Token, Cancel);

    private static async Task BlockUdpAsync(NetworkNamespace machine) => await machine.RunAsync(["nft", "-f", "-"],
        """
        table inet block {
          chain in { type filter hook input priority 0; meta l4proto udp iifname "eth0" drop; }
          chain out { type filter hook output priority 0; meta l4proto udp oifname "eth0" drop; }
        }
        """, Cancel);
}
