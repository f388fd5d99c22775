using System.Security.Cryptography;
using TunnelMesh.Protocol.Control;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Peers;

/// <summary>Starts that go wrong for reasons outside the program: each is named, has its exit code, and loses nothing.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class BadStartTests
{
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static Task<Peer> AddAsync(Underlay underlay, string name) => Peer.AddAsync(underlay, name, Token, Cancel);

    [Fact]
    public async Task A_clock_that_is_hours_off_is_named_and_the_join_works_once_it_is_set()
    {
        Requirements.Programs("faketime");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a");
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        foreach ((string shift, string direction) in new[] { ("-5h", "behind"), ("+5h", "ahead of") })
        {
            (int code, string output) = await a.FailToJoinAsync(Cancel, server, wrapper: ["env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "faketime", "-f", shift]);
            Assert.Equal(11, code);
            Assert.Contains($"5 hours {direction} the coordinator's", output, StringComparison.Ordinal);
            Assert.False(File.Exists(Path.Combine(a.Home, "contexts", "default", "mesh.json")));
        }
        Assert.Equal("10.42.0.2", await a.JoinAsync(Cancel, server));
    }

    [Fact]
    public async Task A_coordinator_of_another_protocol_is_named_with_both_versions()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer a = await AddAsync(underlay, "a");
        NetworkNamespace machine = await underlay.AddMachineAsync(Cancel);
        JoinChallenge newer = new()
        {
            Version = 99,
            Nonce = new byte[32],
            EphemeralKey = new byte[32],
            CaCertificates = [],
            UnixTimeMs = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(),
        };
        await using ForeignCoordinator future = new(machine, newer);
        (int code, string output) = await a.FailToJoinAsync(Cancel, future.Server);
        Assert.Equal(10, code);
        Assert.Contains($"speaks protocol 99, this program {ControlProtocol.OldestVersion} to {ControlProtocol.Version}", output, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(a.Home, "contexts", "default", "mesh.json")));
    }

    [Fact]
    public async Task A_machine_that_cannot_be_a_peer_is_told_before_it_takes_a_name_and_an_address()
    {
        Requirements.Programs("setpriv", "unshare");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a");
        await hub.JoinAsync(Cancel);
        await using Peer second = new(underlay, hub.Machine, "second", Token);
        string server = $"{hub.Machine.Address}:8443";
        (Peer Peer, string Configuration, string[] Wrapper, int Code, string Expected)[] starts =
        [
            (second, "", [], 8, "UDP port 2223 is in use by tunnelmesh"),
            (second, "udp_port: 4444", [], 8, "TCP port 2222 is in use by tunnelmesh"),
            (second, "ssh_port: 4443", [], 8, "interface named tun-mesh0 exists already"),
            (a, "", ["setpriv", "--bounding-set", "-net_admin"], 4, "CAP_NET_ADMIN"),
            (a, "", ["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /dev/net && exec \"$0\" \"$@\""], 4, "There is no /dev/net/tun on this machine"),
        ];
        foreach ((Peer peer, string configuration, string[] wrapper, int expectedCode, string expected) in starts)
        {
            (int code, string output) = await peer.FailToJoinAsync(Cancel, server, configuration, wrapper);
            Assert.Contains(expected, output, StringComparison.Ordinal);
            Assert.Equal(expectedCode, code);
            Assert.False(File.Exists(Path.Combine(peer.Home, "default.sock")));
            Assert.Equal(0, (await hub.AskJsonAsync(Cancel, "peers")).GetArrayLength());
        }
        Assert.Equal("10.42.0.2", await a.JoinAsync(Cancel, server));
    }

    [Fact]
    public async Task A_member_starts_on_a_full_disk_from_what_is_there()
    {
        Requirements.Programs("unshare");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a");
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        await a.JoinAsync(Cancel, server);
        Assert.Equal(0, await a.StopAsync(Cancel));
        string[] full =
        [
            "unshare", "--mount", "sh", "-c",
            $"cp -a {a.Home} {a.Home}.kept && mount -t tmpfs -o size=1m none {a.Home} && cp -a {a.Home}.kept/. {a.Home} && ! cat /dev/zero > {a.Home}/fill && ! echo x > {a.Home}/more && exec \"$0\" \"$@\"",
        ];
        Assert.Equal("10.42.0.2", await a.JoinAsync(Cancel, server, wrapper: full));
        Assert.True(await a.Machine.ReachesAsync("10.42.0.1", 5, Cancel));
        Assert.Equal(0, await a.StopAsync(Cancel));
        // The disk was really full.
        Assert.Contains("the state of this peer could not be written", a.Program!.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_place_that_is_no_home_is_told_in_a_line_and_nothing_is_made_there()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        NetworkNamespace machine = await underlay.AddMachineAsync(Cancel);
        string gone = Path.Combine(underlay.Folder, "gone"), here = Path.Combine(underlay.Folder, "here");
        Directory.CreateDirectory(here);
        (string Directory, string Variable, string Command, int Code, string Expected)[] runs =
        [
            (gone, "TUNNELMESH_HOME=x", "init", 3, "TUNNELMESH_HOME is `x`"),
            (gone, "HOME=/nonexist", "init", 3, "The home directory /nonexist does not exist."),
            (gone, "HOME=/nonexist", "--help", 0, "Usage:"),
            (gone, "HOME=/nonexist", "completion bash", 0, "complete -o default"),
            (gone, $"TUNNELMESH_HOME={underlay.Folder}/home", "init", 0, "Peer ID"),
            (gone, $"TUNNELMESH_HOME={underlay.Folder}/home", "init --peer", 1, "The current directory does not exist any more."),
            (here, "HOME=/nonexist", "init", 3, "The home directory /nonexist does not exist."),
            (here, "HOME=", "version", 0, "tunnelmesh "),
        ];
        foreach ((string directory, string variable, string command, int code, string expected) in runs)
        {
            CommandResult result = await machine.TryRunAsync(
                ["env", "--unset=TUNNELMESH_HOME", variable, "sh", "-c", $"mkdir -p {directory} && cd {directory} && {(directory == gone ? $"rmdir {gone} && " : "")}exec {Repository.Binary} {command}"], Cancel);
            Assert.True(code == result.ExitCode, result.ToString());
            Assert.Contains(expected, result.Output + result.Errors, StringComparison.Ordinal);
            Assert.True(code == 0 || result.Errors.TrimEnd().Split('\n').Length == 1, result.ToString());
        }
        Assert.Empty(Directory.GetFileSystemEntries(here));
    }

    [Fact]
    public async Task Of_two_that_start_at_once_after_a_crash_one_runs_and_the_other_says_why_not()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a");
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        await a.JoinAsync(Cancel, server);
        // It leaves its control socket, at which nobody listens.
        await a.KillAsync();
        string[] join = [Repository.Binary, "join", server, "--name", "a", "--config", Path.Combine(a.Folder, "config.yaml")];
        Dictionary<string, string> environment = new() { ["TUNNELMESH_HOME"] = a.Home, ["TUNNELMESH_TOKEN"] = Token };
        for (int round = 0; round < 5; round++)
        {
            Assert.True(File.Exists(Path.Combine(a.Home, "default.sock")));
            await using RunningProgram one = a.Machine.Start(join, environment), other = a.Machine.Start(join, environment);
            (RunningProgram lost, int code) = await await Task.WhenAny(EndAsync(one), EndAsync(other));
            Assert.Equal(8, code);
            string why = await lost.WaitForLineAsync("tunnelmesh: ", TimeSpan.FromSeconds(5), Cancel);
            RunningProgram runs = lost == one ? other : one;
            Assert.True(why.Contains($"A peer is already running (pid {runs.ProcessId})", StringComparison.Ordinal) || why.Contains("Another peer is just starting or ending here", StringComparison.Ordinal), why);
            await runs.WaitForLineAsync("Connected to mesh as a (10.42.0.2)", TimeSpan.FromSeconds(30), Cancel);
            Assert.True((await a.AskAsync(Cancel, "status")).Succeeded);
        }
        // Nothing of it is in the way of a start after an end.
        await a.JoinAsync(Cancel, server);
        Assert.Equal(0, await a.StopAsync(Cancel));
        Assert.False(File.Exists(Path.Combine(a.Home, "default.sock")));

        static async Task<(RunningProgram Program, int Code)> EndAsync(RunningProgram program) => (program, await program.WaitForExitAsync(TimeSpan.FromSeconds(30), Cancel));
    }

    [Fact]
    public async Task A_member_founds_no_other_mesh_by_leaving_out_the_server_nor_a_coordinator_by_losing_its_state_or_by_damage_to_it()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a");
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        await a.JoinAsync(Cancel, server);
        Assert.Equal(0, await a.StopAsync(Cancel));
        (int code, string output) = await a.FailToJoinAsync(Cancel);
        Assert.Equal(3, code);
        Assert.Contains($"Go on with: tunnelmesh join {server}", output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(a.Data));

        Assert.Equal(0, await hub.StopAsync(Cancel));
        Directory.Move(hub.Data, hub.Data + ".lost");
        (code, output) = await hub.FailToJoinAsync(Cancel);
        Assert.Equal(9, code);
        Assert.Contains($"{hub.Data} has no state.db", output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(hub.Data));
        Directory.Move(hub.Data + ".lost", hub.Data);
        string authority = Path.Combine(hub.Data, "ca");
        Directory.Move(authority, authority + ".lost");
        (code, output) = await hub.FailToJoinAsync(Cancel);
        Assert.Equal(9, code);
        Assert.Contains("A new root would lock out every peer", output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(authority));
        Directory.Move(authority + ".lost", authority);
        await using (Peer newcomer = new(underlay, hub.Machine, "newcomer", Token))
        {
            File.Copy(Path.Combine(authority, "root.pem"), Path.Combine(Directory.CreateDirectory(Path.Combine(newcomer.Data, "ca")).FullName, "root.pem"));
            (code, output) = await newcomer.FailToJoinAsync(Cancel);
            Assert.Equal(9, code);
            Assert.Contains("state.db is missing, but", output, StringComparison.Ordinal);
            Assert.False(File.Exists(Path.Combine(newcomer.Data, "state.db")));
        }
        // One that is damaged is left as it is.
        string state = Path.Combine(hub.Data, "state.db");
        byte[] sound = await File.ReadAllBytesAsync(state, Cancel), damaged = [.. new byte[64], .. sound.AsSpan(64)];
        await File.WriteAllBytesAsync(state, damaged, Cancel);
        (code, output) = await hub.FailToJoinAsync(Cancel);
        Assert.Equal(9, code);
        Assert.Contains(state, output, StringComparison.Ordinal);
        Assert.Equal(damaged, await File.ReadAllBytesAsync(state, Cancel));
        await File.WriteAllBytesAsync(state, sound, Cancel);
        Assert.Equal("10.42.0.1", await hub.JoinAsync(Cancel));
    }

    [Fact]
    public async Task A_damaged_cached_map_is_kept_aside_and_the_coordinator_sends_a_new_one()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await AddAsync(underlay, "hub"), a = await AddAsync(underlay, "a");
        await hub.JoinAsync(Cancel);
        string server = $"{hub.Machine.Address}:8443";
        await a.JoinAsync(Cancel, server);
        Assert.Equal(0, await a.StopAsync(Cancel));
        string folder = Path.Combine(a.Home, "contexts", "default"), map = Path.Combine(folder, "map.json.gz");
        byte[] damaged = await File.ReadAllBytesAsync(map, Cancel);
        damaged.AsSpan(damaged.Length / 2).Reverse();
        await File.WriteAllBytesAsync(map, damaged, Cancel);

        Assert.Equal("10.42.0.2", await a.JoinAsync(Cancel, server));
        string aside = Assert.Single(Directory.GetFiles(folder, "map.json.gz.damaged-*"));
        Assert.Equal(damaged, await File.ReadAllBytesAsync(aside, Cancel));
        Assert.Contains(aside, a.Program!.Output, StringComparison.Ordinal);
        Assert.True(await a.Machine.ReachesAsync("10.42.0.1", 5, Cancel));
        Assert.Equal(0, await a.StopAsync(Cancel));
        Assert.NotEqual(damaged, await File.ReadAllBytesAsync(map, Cancel));
    }
}
