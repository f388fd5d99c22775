using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Guard;

/// <summary>A machine of the network nearby that sends to addresses of the mesh, and with them, past the mesh.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class GuardTests
{
    private const string Table = "tunnelmesh-guard-tun-mesh0", OtherTable = "tunnelmesh-guard-tun-mesh1";

    // curl: nobody answered in time; the metrics' own check closes at once.
    private const int TimedOut = 28;
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static async Task<(Peer Hub, Peer Nas, NetworkNamespace Stranger)> BuildAsync(Underlay underlay)
    {
        Requirements.Programs("nft", "curl", "unshare");
        Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel), nas = await Peer.AddAsync(underlay, "nas", Token, Cancel);
        NetworkNamespace stranger = await underlay.AddMachineAsync(Cancel);
        // Nothing but our own rules is to stand in the way.
        await nas.Machine.RunAsync(["sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.eth0.rp_filter=0"], cancel: Cancel);
        return (hub, nas, stranger);
    }

    private static async Task<bool> PingsAsync(NetworkNamespace from, string to) => (await from.TryRunAsync(["ping", "-n", "-q", "-c", "2", "-i", "0.2", "-W", "1", to], Cancel)).Succeeded;

    private static async Task<int> FetchAsync(NetworkNamespace from, string ip) =>
        (await from.TryRunAsync(["curl", "-sk", "--max-time", "2", "--noproxy", "*", $"https://{(ip.Contains(':', StringComparison.Ordinal) ? $"[{ip}]" : ip)}:9443/health"], Cancel)).ExitCode;

    private static Task<string> SignalAsync(Peer peer, string signal) => peer.Machine.RunAsync(["kill", $"-{signal}", $"{peer.Program!.ProcessId}"], cancel: Cancel);

    // Well before anything is looked at just because time has passed.
    private static async Task RulesAreBackAsync(Peer peer)
    {
        long start = Stopwatch.GetTimestamp();
        while (Regex.Count((await peer.Machine.TryRunAsync(["nft", "list", "table", "inet", Table], Cancel)).Output, "counter packets .* drop") != 4)
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(3), "the rules do not come back" + peer.Program!.Output);
        }
    }

    private static async Task<string> TablesAsync(Peer peer) => (await peer.Machine.RunAsync(["nft", "list", "tables"], cancel: Cancel)).Trim();

    // The one that was sent first would be there first.
    private static void ExpectOnlyHonest(NetworkNamespace nas, NetworkNamespace stranger, string to, string spoofed, string honest)
    {
        using Socket listener = NamespaceSocket.Bind(nas, IPAddress.Parse(to)), liar = NamespaceSocket.Bind(stranger, IPAddress.Parse(spoofed)), other = NamespaceSocket.Bind(stranger, IPAddress.Parse(honest));
        listener.ReceiveTimeout = 5000;
        foreach ((Socket socket, string words) in new[] { (liar, "spoofed"), (other, "honest") })
        {
            socket.SendTo(Encoding.ASCII.GetBytes(words), listener.LocalEndPoint!);
        }

        byte[] buffer = new byte[64];
        Assert.Equal("honest", Encoding.ASCII.GetString(buffer, 0, listener.Receive(buffer)));
        Assert.Equal(0, listener.Available);
    }

    [Fact]
    public async Task A_machine_nearby_reaches_no_mesh_address_and_speaks_for_none_while_the_mesh_works_and_a_router_into_it_too()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        (Peer hub, Peer nas, NetworkNamespace stranger) = await BuildAsync(underlay);
        await using (hub)
        await using (nas)
        {
            string hubIp = await hub.JoinAsync(Cancel), nasIp = await nas.JoinAsync(Cancel, $"{hub.Machine.Address}:8443");
            JsonElement status = await nas.AskJsonAsync(Cancel, "status");
            string nasIp6 = status.GetProperty("mesh_ip6").GetString()!, hubIp6 = (await hub.AskJsonAsync(Cancel, "status")).GetProperty("mesh_ip6").GetString()!;
            Assert.True(status.GetProperty("guard").GetProperty("enforced").GetBoolean(), status.ToString());
            Assert.Equal("nft", status.GetProperty("guard").GetProperty("by").GetString());
            Assert.Contains("addresses of the mesh come in by tun-mesh0 only (rules of nft)", (await nas.AskAsync(Cancel, "status")).Output, StringComparison.Ordinal);
            Assert.DoesNotContain("Guard", (await nas.AskAsync(Cancel, "doctor")).Output, StringComparison.Ordinal);
            foreach ((string ip, string via) in new[] { (nasIp, nas.Machine.Address), (nasIp6, nas.Machine.Address6), (hubIp, nas.Machine.Address) })
            {
                await stranger.IpAsync($"route add {ip} via {via}", Cancel);
            }

            foreach (string ip in new[] { nasIp, nasIp6 })
            {
                Assert.False(await PingsAsync(stranger, ip), ip);
                Assert.Equal(TimedOut, await FetchAsync(stranger, ip));
                // The mesh and this machine itself are let in as ever.
                Assert.True(await hub.Machine.ReachesAsync(ip, 10, Cancel));
                Assert.Equal(0, await FetchAsync(hub.Machine, ip));
                Assert.Equal(0, await FetchAsync(nas.Machine, ip));
            }

            Assert.True(await PingsAsync(stranger, nas.Machine.Address));

            await stranger.IpAsync($"address add {hubIp}/32 dev lo", Cancel);
            await stranger.IpAsync($"address add {hubIp6}/128 dev lo nodad", Cancel);
            ExpectOnlyHonest(nas.Machine, stranger, nas.Machine.Address, hubIp, stranger.Address);
            ExpectOnlyHonest(nas.Machine, stranger, nas.Machine.Address6, hubIp6, stranger.Address6);
            await stranger.IpAsync($"address delete {hubIp}/32 dev lo", Cancel);

            // A machine that leads its network into the mesh, under its own address there, goes on doing so.
            await nas.Machine.RunAsync(["sysctl", "-qw", "net.ipv4.ip_forward=1"], cancel: Cancel);
            await nas.Machine.RunAsync(["nft", "-f", "-"], """
                table ip site {
                  chain post {
                    type nat hook postrouting priority srcnat;
                    oifname "tun-mesh0" masquerade
                  }
                }
                """, Cancel);
            Assert.True(await stranger.ReachesAsync(hubIp, 10, Cancel));

            // What somebody flushes comes back; while the peer stands still the kernel lets everything in, which shows that it is our rules that do not.
            // The machine has also come into a network with the mesh's addresses, as a laptop may.
            await nas.Machine.IpAsync("address add 10.42.99.7/24 dev eth0", Cancel);
            await SignalAsync(nas, "STOP");
            await nas.Machine.RunAsync(["nft", "delete", "table", "inet", Table], cancel: Cancel);
            Assert.True(await PingsAsync(stranger, nasIp));
            Assert.True(await PingsAsync(stranger, nasIp6));
            await SignalAsync(nas, "CONT");
            await RulesAreBackAsync(nas);
            Assert.False(await PingsAsync(stranger, nasIp));
            Assert.False(await PingsAsync(stranger, nasIp6));
            await nas.AskUntilAsync(s => s.GetProperty("guard").GetProperty("problem").GetString()?.Contains("10.42.99.0/24 by eth0", StringComparison.Ordinal) == true, Cancel, "status");
            Assert.True((await nas.AskJsonAsync(Cancel, "status")).GetProperty("guard").GetProperty("enforced").GetBoolean());
        }
    }

    [Fact]
    public async Task Rules_that_somebody_empties_or_removes_are_back_at_once_and_the_log_says_so()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        (Peer hub, Peer nas, NetworkNamespace stranger) = await BuildAsync(underlay);
        await using (hub)
        await using (nas)
        {
            await hub.JoinAsync(Cancel);
            string nasIp = await nas.JoinAsync(Cancel, $"{hub.Machine.Address}:8443");
            await stranger.IpAsync($"route add {nasIp} via {nas.Machine.Address}", Cancel);
            string chain = $"inet {Table} prerouting", listed = await nas.Machine.RunAsync(["nft", "-s", "list", "table", "inet", Table], cancel: Cancel);
            foreach (string words in new[] { "flush ruleset", $"delete table inet {Table}", $"flush table inet {Table}", $"flush chain {chain}", $"insert rule {chain} accept" })
            {
                await nas.Machine.RunAsync(["nft", .. words.Split(' ')], cancel: Cancel);
                // The same rules do the same; a table that is not there is listed with an error.
                long began = Stopwatch.GetTimestamp();
                string now;
                while ((now = (await nas.Machine.TryRunAsync(["nft", "-s", "list", "table", "inet", Table], Cancel)).Output.TrimEnd()) != listed && Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(10))
                {
                    await Task.Delay(50, Cancel);
                }
                Assert.Equal(listed, now);
                await nas.AskUntilAsync(s => s.GetProperty("guard").GetProperty("enforced").GetBoolean(), Cancel, "status");
            }

            Assert.False(await PingsAsync(stranger, nasIp));
            Assert.Contains("has taken away rules against addresses of the mesh", nas.Program!.Output, StringComparison.Ordinal);
            // However often.
            await nas.Machine.RunAsync(["sh", "-c", "for i in $(seq 150); do nft flush ruleset; done"], cancel: Cancel);
            await RulesAreBackAsync(nas);
            Assert.True(await hub.Machine.ReachesAsync(nasIp, 10, Cancel));
            Assert.Equal(0, await nas.StopAsync(Cancel));
            Assert.Equal("", await TablesAsync(nas));
        }
    }

    [Fact]
    public async Task Each_context_has_its_rules_which_go_at_the_end_and_at_the_next_start_after_kill_9()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        (Peer hub, Peer nas, NetworkNamespace stranger) = await BuildAsync(underlay);
        await using (hub)
        await using (nas)
        {
            await using Peer other = await Peer.AddAsync(underlay, "other", Token, Cancel), second = nas.Beside("work", Token);
            await hub.JoinAsync(Cancel);
            await other.JoinAsync(Cancel, coordinator: "mesh_cidr: 10.43.0.0/16");
            string server = $"{hub.Machine.Address}:8443", nasIp = await nas.JoinAsync(Cancel, server), secondIp = await second.JoinAsync(Cancel, $"{other.Machine.Address}:8443");
            foreach (string ip in new[] { nasIp, secondIp })
            {
                await stranger.IpAsync($"route add {ip} via {nas.Machine.Address}", Cancel);
                Assert.False(await PingsAsync(stranger, ip), ip);
            }

            Assert.True(await hub.Machine.ReachesAsync(nasIp, 10, Cancel));
            Assert.True(await other.Machine.ReachesAsync(secondIp, 10, Cancel));
            Assert.Equal([$"table inet {Table}", $"table inet {OtherTable}"], (await TablesAsync(nas)).Split('\n').Order(StringComparer.Ordinal));
            Assert.Equal(0, await nas.StopAsync(Cancel));
            Assert.Equal($"table inet {OtherTable}", await TablesAsync(nas));
            Assert.False(await PingsAsync(stranger, secondIp));

            await second.KillAsync();
            Assert.Equal($"table inet {OtherTable}", await TablesAsync(nas));
            await second.JoinAsync(Cancel, $"{other.Machine.Address}:8443");
            await second.Program!.WaitForLineAsync("left behind by a peer that ended without cleaning up; they were removed", TimeSpan.FromSeconds(5), Cancel);
            Assert.False(await PingsAsync(stranger, secondIp));
            Assert.Equal(0, await second.StopAsync(Cancel));
            Assert.Equal("", await TablesAsync(nas));
            Assert.Empty(Directory.GetFiles(nas.Folder, "guard.json*", SearchOption.AllDirectories));
        }
    }

    [Fact]
    public async Task Iptables_does_it_where_there_is_no_nft()
    {
        Requirements.Programs("iptables", "ip6tables");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        (Peer hub, Peer nas, NetworkNamespace stranger) = await BuildAsync(underlay);
        await using (hub)
        await using (nas)
        {
            await hub.JoinAsync(Cancel);
            string hide = Path.Combine(nas.Folder, "hide");
            string nasIp = await nas.JoinAsync(Cancel, $"{hub.Machine.Address}:8443", wrapper: ["unshare", "--mount", "sh", "-c",
                $"mkdir {hide} && mount -t tmpfs tmpfs {hide} && mknod {hide}/nft c 0 0 && mount -t overlay overlay -o lowerdir={hide}:/usr/sbin /usr/sbin && exec \"$0\" \"$@\""]);
            JsonElement status = await nas.AskJsonAsync(Cancel, "status");
            Assert.Equal("iptables", status.GetProperty("guard").GetProperty("by").GetString());
            Assert.Equal(JsonValueKind.Null, status.GetProperty("guard").GetProperty("problem").ValueKind);
            foreach ((string ip, string via) in new[] { (nasIp, nas.Machine.Address), (status.GetProperty("mesh_ip6").GetString()!, nas.Machine.Address6) })
            {
                await stranger.IpAsync($"route add {ip} via {via}", Cancel);
                Assert.False(await PingsAsync(stranger, ip), ip);
                Assert.True(await hub.Machine.ReachesAsync(ip, 10, Cancel));
                Assert.Equal(0, await FetchAsync(nas.Machine, ip));
            }

            Assert.True(await PingsAsync(stranger, nas.Machine.Address));
            Assert.Equal(0, await nas.StopAsync(Cancel));
            foreach (string program in new[] { "iptables", "ip6tables" })
            {
                Assert.DoesNotContain("TMG", await nas.Machine.RunAsync([program, "-t", "raw", "-S"], cancel: Cancel), StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Where_the_kernel_refuses_the_rules_the_peer_runs_and_says_that_there_are_none()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        (Peer hub, Peer nas, NetworkNamespace stranger) = await BuildAsync(underlay);
        await using (hub)
        await using (nas)
        {
            await hub.JoinAsync(Cancel);
            // An nft that fails, as it does without the right to change rules.
            string failing = Path.Combine(nas.Folder, "nft");
            await File.WriteAllTextAsync(failing, "#!/bin/sh\ncat > /dev/null\necho 'Operation not permitted (you must be root)' >&2\nexit 1\n", Cancel);
            await Command.RunAsync(["chmod", "755", failing], cancel: Cancel);
            string nasIp = await nas.JoinAsync(Cancel, $"{hub.Machine.Address}:8443", wrapper: ["unshare", "--mount", "sh", "-c", $"mount --bind {failing} \"$(command -v nft)\" && exec \"$0\" \"$@\""]);
            await nas.Program!.WaitForLineAsync("PACKETS WITH ADDRESSES OF THE MESH GET IN BY OTHER INTERFACES", TimeSpan.FromSeconds(5), Cancel);
            JsonElement guard = (await nas.AskJsonAsync(Cancel, "status")).GetProperty("guard");
            Assert.False(guard.GetProperty("enforced").GetBoolean());
            Assert.Contains("failed with code 1: Operation not permitted (you must be root)", guard.GetProperty("problem").GetString(), StringComparison.Ordinal);
            foreach (string command in new[] { "status", "doctor" })
            {
                Assert.Contains("NONE: packets with addresses of the mesh get in by other interfaces than tun-mesh0, too", (await nas.AskAsync(Cancel, command)).Output, StringComparison.Ordinal);
            }

            await stranger.IpAsync($"route add {nasIp} via {nas.Machine.Address}", Cancel);
            Assert.True(await PingsAsync(stranger, nasIp));
            Assert.True(await hub.Machine.ReachesAsync(nasIp, 10, Cancel));
            Assert.Equal(0, await nas.StopAsync(Cancel));
            Assert.False(File.Exists(Path.Combine(nas.Home, "contexts", "default", "guard.json")));
        }
    }
}
