using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Peers;

[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class PeerTests
{
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static Task<Peer> AddAsync(Underlay underlay, string name, string? token = null) => Peer.AddAsync(underlay, name, token ?? Token, Cancel);

    [Fact]
    public async Task Peers_join_reach_each_other_answer_questions_and_leave_nothing_behind()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a"), b = await AddAsync(underlay, "b");
        Assert.Equal("10.42.0.1", await hub.JoinAsync(Cancel));
        string server = $"{hub.Machine.Address}:8443";
        Assert.Equal("10.42.0.2", await a.JoinAsync(Cancel, server));
        Assert.Equal("10.42.0.3", await b.JoinAsync(Cancel, server));

        JsonElement status = await b.AskJsonAsync(Cancel, "status");
        Assert.Equal("connected", status.GetProperty("coordinator").GetProperty("state").GetString());
        Assert.Equal(2, status.GetProperty("peers_total").GetInt32());
        Assert.True(await b.Machine.ReachesAsync("10.42.0.1", 5, Cancel));
        Assert.True(await b.Machine.ReachesAsync("10.42.0.2", 5, Cancel));
        JsonElement found = await b.AskJsonAsync(Cancel, "resolve", "A.tunnelmesh");
        Assert.True(await b.Machine.ReachesAsync(found.GetProperty("ip6")[0].GetString()!, 5, Cancel));
        Assert.Equal("10.42.0.1", (await b.AskAsync(Cancel, "resolve", "this.tm")).Output.Split('\n')[0]);
        JsonElement peer = (await b.AskJsonAsync(Cancel, "peers")).EnumerateArray().Single(p => p.GetProperty("name").GetString() == "a");
        Assert.Equal(("udp", $"{a.Machine.Address}:2223"), (peer.GetProperty("path").GetString(), peer.GetProperty("endpoint").GetString()));

        // The token is neither in the environment that others may read nor in any file but the coordinator's own.
        string environment = await File.ReadAllTextAsync($"/proc/{b.Program!.ProcessId}/environ", Cancel);
        Assert.DoesNotContain(Token, environment, StringComparison.Ordinal);
        // Files under a temporary name live for a moment, and may be gone before they are read.
        string[] open = [".pub", ".sock", ".tmp"];
        foreach (string file in Directory.GetFiles(b.Home, "*", SearchOption.AllDirectories).Where(f => !open.Contains(Path.GetExtension(f))))
        {
            // Journals are locked by the peer that writes them, which only programs of the framework heed.
            Assert.DoesNotContain(Token, await b.Machine.RunAsync(["cat", file], cancel: Cancel), StringComparison.Ordinal);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }

        (int code, string output) = await b.FailToJoinAsync(Cancel, server);
        Assert.Equal(8, code);
        Assert.Contains($"pid {b.Program.ProcessId}", output, StringComparison.Ordinal);

        long before = Stopwatch.GetTimestamp();
        Assert.Equal(0, await b.StopAsync(Cancel));
        Assert.True(Stopwatch.GetElapsedTime(before) < TimeSpan.FromSeconds(2));
        Assert.False((await b.Machine.TryRunAsync(["ip", "link", "show", "tun-mesh0"], Cancel)).Succeeded);
        Assert.False(File.Exists(Path.Combine(b.Home, "default.sock")));
        Assert.Equal(7, (await b.AskAsync(Cancel, "status")).ExitCode);
    }

    [Fact]
    public async Task While_the_coordinator_is_away_a_peer_starts_from_its_cached_map_and_leaving_needs_force()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a"), b = await AddAsync(underlay, "b");
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        string address = await a.JoinAsync(Cancel, server);
        await b.JoinAsync(Cancel, server);
        Assert.Equal(0, await b.StopAsync(Cancel));
        Assert.Equal(0, await hub.StopAsync(Cancel));

        await b.JoinAsync(Cancel, server);
        await b.Program!.WaitForLineAsync("The coordinator is away", TimeSpan.FromSeconds(5), Cancel);
        await b.Program.WaitForLineAsync(", by the stored network map: the coordinator is away", TimeSpan.FromSeconds(5), Cancel);
        Assert.True(await b.Machine.ReachesAsync(address, 10, Cancel));
        CommandResult refused = await b.AskAsync(Cancel, "leave");
        Assert.Equal(5, refused.ExitCode);
        Assert.Contains("--force", refused.Errors, StringComparison.Ordinal);
        Assert.True((await b.AskAsync(Cancel, "leave", "--force")).Succeeded);
        Assert.Equal(0, await b.Program.WaitForExitAsync(TimeSpan.FromSeconds(5), Cancel));
        // Only what keeps services of it from joining anew.
        Assert.Equal(["left"], Directory.GetFiles(Path.Combine(b.Home, "contexts", "default")).Select(Path.GetFileName));

        // The coordinator comes back: the peer that stayed finds it again by itself.
        await hub.JoinAsync(Cancel);
        await a.AskUntilAsync(s => s.GetProperty("coordinator").GetProperty("state").GetString() == "connected", Cancel, "status");
        Assert.True((await a.AskAsync(Cancel, "leave")).Succeeded);
        // The peer is no more when that is said.
        CommandResult deleted = await a.AskAsync(Cancel, "context", "delete", "default", "--yes");
        Assert.True(deleted.Succeeded, deleted.ToString());
        Assert.Equal(0, await a.Program!.WaitForExitAsync(TimeSpan.FromSeconds(5), Cancel));
        Assert.NotEqual(0, (await hub.AskAsync(Cancel, "leave")).ExitCode);
    }

    [Fact]
    public async Task A_wrong_token_and_another_mesh_are_refused_and_nothing_is_overwritten()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), other = await AddAsync(underlay, "other"), a = await AddAsync(underlay, "a"),
            stranger = await AddAsync(underlay, "stranger", new string('0', 64));
        await hub.JoinAsync(Cancel);
        await other.JoinAsync(Cancel);
        (int code, string output) = await stranger.FailToJoinAsync(Cancel, $"{hub.Machine.Address}:8443");
        Assert.Equal(6, code);
        Assert.Contains("token is wrong", output, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(stranger.Home, "contexts", "default", "mesh.json")));

        await a.JoinAsync(Cancel, $"{hub.Machine.Address}:8443");
        Assert.Equal(0, await a.StopAsync(Cancel));
        string membership = Path.Combine(a.Home, "contexts", "default", "mesh.json");
        byte[] before = await File.ReadAllBytesAsync(membership, Cancel);
        (code, output) = await a.FailToJoinAsync(Cancel, $"{other.Machine.Address}:8443");
        Assert.Equal(6, code);
        Assert.Contains($"member of the mesh at {hub.Machine.Address}:8443", output, StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllBytesAsync(membership, Cancel));
        Assert.Equal("10.42.0.2", await a.JoinAsync(Cancel, $"{hub.Machine.Address}:8443"));
    }

    [Fact]
    public async Task A_port_in_use_and_a_colliding_range_are_told_and_undone()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub");
        await using RunningProgram tcp = hub.Machine.Start([Repository.Binary, "join", "--name", "first"], new Dictionary<string, string>
        {
            ["TUNNELMESH_HOME"] = Path.Combine(underlay.Folder, "first"),
            ["TUNNELMESH_TOKEN"] = Token,
            ["TUNNELMESH_CONFIG"] = await WriteAsync(underlay, "coordinator:\n  data_dir: " + Path.Combine(underlay.Folder, "first-data") + "\n"),
        });
        await tcp.WaitForLineAsync("Connected to mesh as", TimeSpan.FromSeconds(30), Cancel);

        // Another program's range, the same ports.
        const string apart = "tun:\n  name: tun-other";
        (int code, string output) = await hub.FailToJoinAsync(Cancel, configuration: apart);
        Assert.Equal(3, code);
        Assert.Contains("overlaps the route 10.42.0.0/16 of this machine into tun-mesh0", output, StringComparison.Ordinal);
        Assert.Contains("coordinator.mesh_cidr", output, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(hub.Data, "state.db")));

        Peer elsewhere = new(underlay, hub.Machine, "elsewhere", Token);
        await File.WriteAllTextAsync(Path.Combine(elsewhere.Folder, "c.yaml"), $"{apart}\ncoordinator:\n  data_dir: {elsewhere.Data}\n  mesh_cidr: 10.43.0.0/16\n", Cancel);
        await using RunningProgram taken = hub.Machine.Start([Repository.Binary, "join", "--config", Path.Combine(elsewhere.Folder, "c.yaml")],
            new Dictionary<string, string> { ["TUNNELMESH_HOME"] = elsewhere.Home, ["TUNNELMESH_TOKEN"] = Token });
        Assert.Equal(8, await taken.WaitForExitAsync(TimeSpan.FromSeconds(30), Cancel));
        Assert.Contains(
            $"TCP port 8443 is in use by tunnelmesh (process {tcp.ProcessId.ToString(CultureInfo.InvariantCulture)})",
            await taken.WaitForLineAsync("tunnelmesh: ", TimeSpan.FromSeconds(5), Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Offloads_are_shown_can_be_switched_off_and_peers_with_and_without_them_exchange_bulk()
    {
        Requirements.Programs("iperf3");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), plain = await AddAsync(underlay, "plain");
        string address = await hub.JoinAsync(Cancel);
        await plain.JoinAsync(Cancel, $"{hub.Machine.Address}:8443", "dataplane:\n  tun_offloads: false\n  udp_offloads: false");
        JsonElement with = (await hub.AskJsonAsync(Cancel, "status")).GetProperty("dataplane"), without = (await plain.AskJsonAsync(Cancel, "status")).GetProperty("dataplane");
        Assert.Contains("tcp", with.GetProperty("tun_offloads").EnumerateArray().Select(e => e.GetString()));
        Assert.Contains("receive_coalescing", with.GetProperty("udp_offloads").EnumerateArray().Select(e => e.GetString()));
        Assert.Equal(0, without.GetProperty("tun_offloads").GetArrayLength() + without.GetProperty("udp_offloads").GetArrayLength());
        Assert.True(await plain.Machine.ReachesAsync(address, 5, Cancel));
        JsonElement before = await hub.AskJsonAsync(Cancel, "status");
        JsonElement handshakes = before.GetProperty("dataplane").GetProperty("handshakes");
        Assert.True(handshakes.GetProperty("responded").GetInt64() + handshakes.GetProperty("session_established").GetInt64() > 0, handshakes.ToString());
        Assert.Equal(0, before.GetProperty("map_entries_dropped").GetInt64() + before.GetProperty("dataplane").GetProperty("peers_refused").GetInt64());
        foreach (string[] direction in new[] { Array.Empty<string>(), ["--reverse"] })
        {
            await using RunningProgram server = hub.Machine.Start(["iperf3", "--server", "--one-off", "--bind", address, "--forceflush"]);
            await server.WaitForLineAsync("Server listening", TimeSpan.FromSeconds(10), Cancel);
            CommandResult result = await plain.Machine.TryRunAsync(["iperf3", "--client", address, "--bytes", "100M", .. direction], Cancel);
            Assert.True(result.Succeeded, result.ToString());
        }

        JsonElement after = await hub.AskJsonAsync(Cancel, "status");
        with = after.GetProperty("dataplane");
        Assert.True(with.GetProperty("tx_packets").GetInt64() > 70_000, with.ToString());
        Assert.True(with.GetProperty("tx_packets").GetInt64() > 4 * with.GetProperty("tx_batches").GetInt64(), with.ToString());

        // The smallest object has 24 bytes. What the program does beside packets allocates, too, and the questions themselves.
        long packets = Grown("dataplane", "tx_packets") + Grown("dataplane", "rx_packets"), allocated = Grown("runtime", "allocated_bytes");
        Assert.True(allocated > 0 && allocated < 12 * packets, $"{allocated} bytes allocated during {packets} packets: {after}");
        long Grown(string part, string field) => after.GetProperty(part).GetProperty(field).GetInt64() - before.GetProperty(part).GetProperty(field).GetInt64();
    }

    [Fact]
    public async Task A_small_MTU_leaves_IPv6_out_and_says_so()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a");
        string address = await hub.JoinAsync(Cancel);
        await a.JoinAsync(Cancel, $"{hub.Machine.Address}:8443", "tun:\n  mtu: 576");
        await a.Program!.WaitForLineAsync("the interface carries IPv4 only", TimeSpan.FromSeconds(5), Cancel);
        Assert.DoesNotContain("inet6", await a.Machine.IpAsync("address show dev tun-mesh0", Cancel), StringComparison.Ordinal);
        Assert.Equal(3, await a.Machine.CountRepliesAsync(address, 3, Cancel, payload: 548));
    }

    [Fact]
    public async Task A_full_disk_of_the_coordinator_refuses_a_join_and_loses_nothing()
    {
        Requirements.Programs("unshare", "nsenter", "mount", "dd");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a");
        Directory.CreateDirectory(hub.Data);
        await hub.JoinAsync(Cancel, wrapper: ["unshare", "--mount", "sh", "-c", $"mount -t tmpfs -o size=1m none {hub.Data} && exec \"$@\"", "sh"]);
        string pid = hub.Program!.ProcessId.ToString(CultureInfo.InvariantCulture), fill = Path.Combine(hub.Data, "fill");
        Assert.False((await Command.TryRunAsync(["nsenter", "--target", pid, "--mount", "dd", "if=/dev/zero", $"of={fill}", "bs=4k"], cancel: Cancel)).Succeeded);
        (int code, string output) = await a.FailToJoinAsync(Cancel, $"{hub.Machine.Address}:8443");
        Assert.Equal(1, code);
        Assert.Contains("disk may be full", output, StringComparison.Ordinal);
        await Command.RunAsync(["nsenter", "--target", pid, "--mount", "rm", fill], cancel: Cancel);
        Assert.Equal("10.42.0.2", await a.JoinAsync(Cancel, $"{hub.Machine.Address}:8443"));
    }

    private static async Task<string> WriteAsync(Underlay underlay, string text)
    {
        string file = Path.Combine(underlay.Folder, "first.yaml");
        await File.WriteAllTextAsync(file, text, Cancel);
        return file;
    }
}
