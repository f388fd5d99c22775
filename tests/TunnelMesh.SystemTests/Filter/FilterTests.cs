using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Filter;

/// <summary>The packet filter of running peers, probed by real TCP, UDP and ICMP of both families from peers that are let in and from others.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class FilterTests
{
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    // The port of the metrics, which coordinators open, is probed by the test itself.
    private const string Rules = """
        metrics_enabled: false
        filter:
          rules:
            - {port: 7000, protocol: tcp, action: allow, source_peer: laptop}
            - {port: 7000, protocol: udp, action: allow, source_peer: laptop}
            - {port: 7001-7002, action: allow}
            - {port: 7002, action: deny, source_peer: guest}
        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static Task<Peer> AddAsync(Underlay underlay, string name) => Peer.AddAsync(underlay, name, Token, Cancel);

    [Fact]
    public async Task Peers_reach_what_rules_let_them_reach_over_both_families()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer nas = await AddAsync(underlay, "nas"), laptop = await AddAsync(underlay, "laptop"), guest = await AddAsync(underlay, "guest");
        await nas.JoinAsync(Cancel, configuration: Rules);
        string server = $"{nas.Machine.Address}:8443";
        await laptop.JoinAsync(Cancel, server);
        await guest.JoinAsync(Cancel, server);
        IPAddress[] addresses = await AddressesAsync(nas);
        await ReachAsync(addresses, laptop, guest);

        (int Port, bool Laptop, bool Guest)[] expected = [(7000, true, false), (7001, true, true), (7002, true, false), (7003, false, false), (9443, true, true)];
        foreach ((int port, bool fromLaptop, bool fromGuest) in expected)
        {
            foreach ((Peer from, bool passes) in new[] { (laptop, fromLaptop), (guest, fromGuest) })
            {
                bool[] tcp = await Task.WhenAll(addresses.Select(a => Probe.TcpAsync(from.Machine, nas.Machine, a, port, Cancel)));
                bool[] udp = await Task.WhenAll(addresses.Select(a => Probe.UdpAsync(from.Machine, nas.Machine, a, port, Cancel)));
                Assert.True(tcp.All(t => t == passes), $"TCP {port} from {from.Name}: {string.Join(", ", tcp)}");
                // Ports of services are open for TCP alone.
                Assert.True(udp.All(u => u == (passes && port != 9443)), $"UDP {port} from {from.Name}: {string.Join(", ", udp)}");
            }
        }

        // In fragments, which pass with the first one only.
        Assert.All(await Task.WhenAll(addresses.Select(a => Probe.UdpAsync(guest.Machine, nas.Machine, a, 7001, Cancel, size: 5000))), Assert.True);
        Assert.All(await Task.WhenAll(addresses.Select(a => Probe.UdpAsync(guest.Machine, nas.Machine, a, 7003, Cancel, size: 5000))), Assert.False);
        Assert.Equal(3, await guest.Machine.CountRepliesAsync(addresses[0].ToString(), 3, Cancel));

        // What the filtered peer begins is answered.
        foreach (IPAddress address in await AddressesAsync(guest))
        {
            Assert.True(await Probe.TcpAsync(nas.Machine, guest.Machine, address, 7003, Cancel));
            Assert.True(await Probe.UdpAsync(nas.Machine, guest.Machine, address, 7003, Cancel));
        }

        JsonElement plane = (await nas.AskJsonAsync(Cancel, "status")).GetProperty("dataplane");
        long filtered = plane.GetProperty("drops").GetProperty("filtered").GetInt64();
        JsonElement[] bySource = [.. plane.GetProperty("dropped_filtered").EnumerateArray()];
        Assert.Equal(filtered, bySource.Sum(d => d.GetProperty("packets").GetInt64()));
        Assert.Equal(["guest tcp", "guest udp", "laptop tcp", "laptop udp"], bySource.Select(d => $"{d.GetProperty("source_peer").GetString()} {d.GetProperty("protocol").GetString()}").Order());
        JsonElement[] rules = [.. (await nas.AskJsonAsync(Cancel, "filter", "list")).GetProperty("rules").EnumerateArray()];
        Assert.All(rules, r => Assert.True(r.GetProperty("hits").GetInt64() > 0, r.ToString()));
        Assert.Equal(["peer", "peer", "peer", "peer", "service"], rules.Select(r => r.GetProperty("layer").GetString()));
    }

    [Fact]
    public async Task Temporary_rules_hold_at_once_end_with_their_time_and_with_the_peer()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), nas = await AddAsync(underlay, "nas");
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        await nas.JoinAsync(Cancel, server, "filter: {}");
        IPAddress address = (await AddressesAsync(nas))[0];
        await ReachAsync([address], hub);
        Assert.False(await TcpAsync());

        CommandResult added = await nas.AskAsync(Cancel, "filter", "add", "--port", "7000", "--protocol", "tcp", "--action", "allow", "--source-peer", "hub", "--ttl", "3s");
        Assert.True(added.Succeeded, added.ToString());
        Assert.Matches(@"temporary\s+allow\s+tcp\s+7000\s+hub\s+3 s\s+0", added.Output);
        Assert.Contains("Everything else that other peers begin is dropped", added.Output, StringComparison.Ordinal);
        Assert.True(await TcpAsync());
        await nas.AskUntilAsync(filter => filter.GetProperty("rules").GetArrayLength() == 0, Cancel, "filter", "list");
        Assert.False(await TcpAsync());

        Assert.True((await nas.AskAsync(Cancel, "filter", "add", "--port", "7000-7010", "--action", "allow")).Succeeded);
        Assert.True(await TcpAsync());
        Assert.True((await nas.AskAsync(Cancel, "filter", "add", "--port", "7000", "--protocol", "tcp", "--action", "deny", "--source-peer", "hub")).Succeeded);
        Assert.False(await TcpAsync());
        CommandResult missing = await nas.AskAsync(Cancel, "filter", "remove", "--port", "7000", "--protocol", "udp");
        Assert.Equal(1, missing.ExitCode);
        Assert.Contains("There is no such temporary rule", missing.Errors, StringComparison.Ordinal);
        Assert.True((await nas.AskAsync(Cancel, "filter", "remove", "--port", "7000", "--protocol", "tcp", "--source-peer", "hub")).Succeeded);
        Assert.True(await TcpAsync());

        CommandResult bad = await nas.AskAsync(Cancel, "filter", "add", "--port", "22", "--action", "allow", "--source-peer", "$(reboot)");
        Assert.Equal(2, bad.ExitCode);
        Assert.Contains("--source-peer: expected a device name", bad.Errors, StringComparison.Ordinal);

        Assert.Equal(0, await nas.StopAsync(Cancel));
        await nas.JoinAsync(Cancel, server, "filter: {}");
        await ReachAsync([address], hub);
        Assert.Equal(0, (await nas.AskJsonAsync(Cancel, "filter", "list")).GetProperty("rules").GetArrayLength());
        Assert.False(await TcpAsync());

        Task<bool> TcpAsync() => Probe.TcpAsync(hub.Machine, nas.Machine, address, 7000, Cancel);
    }

    [Fact]
    public async Task What_the_coordinator_says_holds_for_every_peer_at_once_and_without_it()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), nas = await AddAsync(underlay, "nas"), guest = await AddAsync(underlay, "guest");
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        await nas.JoinAsync(Cancel, server, "filter:\n  rules:\n    - {port: 7000-7001, action: allow}");
        await guest.JoinAsync(Cancel, server);
        IPAddress address = (await AddressesAsync(nas))[1];
        await ReachAsync([address], guest);
        Assert.True(await Probe.TcpAsync(guest.Machine, nas.Machine, address, 7000, Cancel));

        await SayAsync("\n    rules:\n      - {port: 7000, protocol: tcp, action: deny, source_peer: guest}\n      - {port: 7005, protocol: tcp, action: allow}");
        long said = Stopwatch.GetTimestamp();
        await nas.AskUntilAsync(filter => filter.GetProperty("rules").GetArrayLength() == 3, Cancel, "filter", "list");
        Assert.True(Stopwatch.GetElapsedTime(said) < TimeSpan.FromSeconds(2));
        Assert.False(await Probe.TcpAsync(guest.Machine, nas.Machine, address, 7000, Cancel));
        Assert.True(await Probe.TcpAsync(guest.Machine, nas.Machine, address, 7001, Cancel));
        Assert.True(await Probe.TcpAsync(guest.Machine, nas.Machine, address, 7005, Cancel));
        // A rule of the coordinator is not the peer's to remove.
        CommandResult notMine = await nas.AskAsync(Cancel, "filter", "remove", "--port", "7005", "--protocol", "tcp");
        Assert.Contains("stands in the configuration of this peer or of the coordinator", notMine.Errors, StringComparison.Ordinal);

        // A configuration that cannot be used changes nothing.
        await File.WriteAllTextAsync(Path.Combine(hub.Folder, "config.yaml"), "coordinator:\n  filter:\n    rules:\n      - {port: 7000, action: maybe}\n", Cancel);
        CommandResult refused = await hub.AskAsync(Cancel, "filter", "reload");
        Assert.Equal(3, refused.ExitCode);
        Assert.Contains("config.yaml:4: `coordinator.filter.rules`: action: expected allow or deny, found `maybe`. The rules stay as they were.", refused.Errors, StringComparison.Ordinal);
        Assert.Equal(3, (await nas.AskJsonAsync(Cancel, "filter", "list")).GetProperty("rules").GetArrayLength());

        // It is kept with the map: the peer starts anew while the coordinator is away.
        await hub.KillAsync();
        Assert.Equal(0, await nas.StopAsync(Cancel));
        await nas.JoinAsync(Cancel, server, "filter:\n  rules:\n    - {port: 7000-7001, action: allow}");
        Assert.Equal(3, (await nas.AskJsonAsync(Cancel, "filter", "list")).GetProperty("rules").GetArrayLength());
        await ReachAsync([address], guest);
        Assert.False(await Probe.TcpAsync(guest.Machine, nas.Machine, address, 7000, Cancel));
        Assert.True(await Probe.TcpAsync(guest.Machine, nas.Machine, address, 7001, Cancel));

        async Task SayAsync(string filter)
        {
            await File.WriteAllTextAsync(Path.Combine(hub.Folder, "config.yaml"), $"filter:\n  default_deny: false\ncoordinator:\n  data_dir: {hub.Data}\n  filter:{filter}\n", Cancel);
            // Answered when it holds here.
            JsonElement answer = await hub.AskJsonAsync(Cancel, "filter", "reload");
            int rules = filter.Split("{port").Length - 1;
            Assert.Equal(rules, answer.GetProperty("rules").EnumerateArray().Count(r => r.GetProperty("layer").GetString() == "coordinator"));
        }
    }

    internal static async Task<IPAddress[]> AddressesAsync(Peer peer)
    {
        JsonElement status = await peer.AskJsonAsync(Cancel, "status");
        return [IPAddress.Parse(status.GetProperty("mesh_ip").GetString()!), IPAddress.Parse(status.GetProperty("mesh_ip6").GetString()!)];
    }

    // Tunnels first, so that no probe waits for a handshake.
    internal static async Task ReachAsync(IPAddress[] addresses, params Peer[] peers)
    {
        foreach (Peer peer in peers)
        {
            foreach (IPAddress address in addresses)
            {
                Assert.True(await peer.Machine.ReachesAsync(address.ToString(), 10, Cancel));
            }
        }
    }
}
