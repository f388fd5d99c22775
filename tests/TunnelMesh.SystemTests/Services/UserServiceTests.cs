using System.Security.Cryptography;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Services;

/// <summary>The peer of a user as a service of the real systemd, without being root.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class UserServiceTests
{
    private const string Unit = "/etc/systemd/system/tunnelmesh:alice.service", Secrets = "/etc/tunnelmesh/env:alice.conf", Home = "/home/alice/.tunnelmesh";
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static Task<CommandResult> AsAsync(BootedMachine machine, string user, params string[] words) =>
        machine.TryRunAsync(Cancel, ["setpriv", $"--reuid={user}", $"--regid={user}", "--init-groups", "env", $"HOME=/home/{user}", BootedMachine.Program, .. words]);

    private static Task<string> PidAsync(BootedMachine machine) => machine.RunAsync(Cancel, "systemctl", "show", "--property=MainPID", "--value", "tunnelmesh:alice");

    [Fact]
    public async Task It_joins_and_carries_traffic_without_being_root_answers_its_user_and_leaves_nothing()
    {
        Requirements.Programs("useradd", "setpriv", "systemd-analyze");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel);
        NetworkNamespace network = await underlay.AddMachineAsync(Cancel);
        await hub.JoinAsync(Cancel);
        await using BootedMachine nas = await BootedMachine.StartAsync(underlay, network, Cancel);
        await nas.RunAsync(Cancel, "useradd", "--create-home", "alice");
        string names = await nas.RunAsync(Cancel, "cat", "/etc/resolv.conf");

        // As sudo runs it.
        string[] sudo = ["env", "SUDO_USER=alice"];
        CommandResult installed = await nas.TryRunAsync(Cancel, [.. sudo, $"TUNNELMESH_SERVER={hub.Machine.Address}:8443", $"TUNNELMESH_TOKEN={Token}", BootedMachine.Program, "service", "install", "--user"]);
        Assert.True(installed.Succeeded, installed.ToString());
        Assert.Contains("The service tunnelmesh:alice is started.", installed.Output, StringComparison.Ordinal);
        string pid = await PidAsync(nas), process = await nas.RunAsync(Cancel, "cat", $"/proc/{pid}/status");
        Assert.Equal("alice", await nas.RunAsync(Cancel, "ps", "--no-headers", "-o", "user", "--pid", pid));
        foreach (string set in new[] { "CapEff", "CapPrm", "CapBnd", "CapAmb" })
        {
            Assert.Contains($"{set}:\t0000000000001400", process, StringComparison.Ordinal);
        }

        string address = (await nas.RunAsync(Cancel, "ip", "-4", "-o", "address", "show", "tun-mesh0")).Split("inet ")[1].Split('/')[0];
        Assert.True(await hub.Machine.ReachesAsync(address, 10, Cancel));

        // Its user asks it and changes it, and nobody else but root does.
        CommandResult status = await AsAsync(nas, "alice", "status", "--json");
        Assert.True(status.Succeeded && status.Output.Contains($"\"mesh_ip\":\"{address}\"", StringComparison.Ordinal), status.ToString());
        Assert.Contains("this peer does not run as root", status.Output, StringComparison.Ordinal);
        Assert.Equal(names, await nas.RunAsync(Cancel, "cat", "/etc/resolv.conf"));
        Assert.True((await AsAsync(nas, "alice", "filter", "reload")).Succeeded);
        Assert.True((await AsAsync(nas, "alice", "service", "status", "--user")).Succeeded);
        Assert.Contains("tunnelmesh:alice", (await AsAsync(nas, "alice", "context", "show")).Output, StringComparison.Ordinal);
        Assert.Equal(4, (await AsAsync(nas, "alice", "service", "stop", "--user")).ExitCode);
        Assert.Equal(7, (await nas.TryRunAsync(Cancel, BootedMachine.Program, "status")).ExitCode);

        // All of the home is the user's, the token root's, and no directory of the system's services is touched.
        Assert.Empty(await nas.RunAsync(Cancel, "find", "/home/alice", "!", "-user", "alice"));
        Assert.Equal("600 root", await nas.RunAsync(Cancel, "stat", "--format=%a %U", Secrets));
        Assert.Equal("700 alice", await nas.RunAsync(Cancel, "stat", "--format=%a %U", Home));
        await nas.RunAsync(Cancel, "test", "!", "-e", "/run/tunnelmesh");
        string logged = await nas.RunAsync(Cancel, BootedMachine.Program, "service", "logs", "--user", "alice");
        Assert.Contains("Connected to mesh as", logged, StringComparison.Ordinal);
        Assert.DoesNotContain(Token, logged + await nas.RunAsync(Cancel, "cat", Unit, $"/proc/{pid}/environ", $"/proc/{pid}/cmdline"), StringComparison.Ordinal);
        CommandResult verified = await VerifyAsync(nas, Unit);
        Assert.True(verified.Succeeded && (verified.Output + verified.Errors).Length == 0, verified.ToString());
        CommandResult judged = await nas.TryRunAsync(Cancel, "systemd-analyze", "security", "--no-pager", "--threshold=40", "tunnelmesh:alice");
        Assert.True(judged.Succeeded, judged.ToString());

        // A member needs no token; what runs as it is described goes on; and one that is killed comes back.
        await nas.RunAsync(Cancel, BootedMachine.Program, "service", "install", "--user", "alice", "--force");
        pid = await PidAsync(nas);
        await nas.RunAsync(Cancel, [.. sudo, BootedMachine.Program, "service", "install", "--user"]);
        Assert.Equal(pid, await PidAsync(nas));
        await nas.RunAsync(Cancel, "kill", "-KILL", pid);
        await nas.UntilAsync(now => now != "0" && now != pid, Cancel, "systemctl", "show", "--property=MainPID", "--value", "tunnelmesh:alice");
        await nas.UntilAsync(state => state == "active", Cancel, "systemctl", "is-active", "tunnelmesh:alice");
        Assert.True(await hub.Machine.ReachesAsync(address, 10, Cancel));

        // What is everybody's stays root's, also when its user asks for it afterwards; and it is not tried again.
        await nas.RunAsync(Cancel, "sh", "-c", $"echo 'exit_peer: hub' > {Home}/config.yaml");
        Assert.Equal(1, (await nas.TryRunAsync(Cancel, BootedMachine.Program, "service", "restart", "--user", "alice")).ExitCode);
        await nas.UntilAsync(log => log.Contains("Exit traffic (exit_peer) changes settings of the kernel for everybody", StringComparison.Ordinal), Cancel, BootedMachine.Program, "service", "logs", "--user", "alice");
        Assert.Equal("failed", (await nas.TryRunAsync(Cancel, "systemctl", "is-active", "tunnelmesh:alice")).Output.Trim());
        await nas.RunAsync(Cancel, "rm", $"{Home}/config.yaml");
        await nas.RunAsync(Cancel, BootedMachine.Program, "service", "restart", "--user", "alice");

        // After leaving there is nothing to start, and that is said.
        CommandResult left = await AsAsync(nas, "alice", "leave");
        Assert.True(left.Succeeded, left.ToString());
        await nas.UntilAsync(state => state == "inactive", Cancel, "systemctl", "is-active", "tunnelmesh:alice");
        CommandResult start = await nas.TryRunAsync(Cancel, BootedMachine.Program, "service", "start", "--user", "alice");
        Assert.Equal(7, start.ExitCode);
        Assert.Contains("join again first", start.Errors, StringComparison.Ordinal);

        // Also when the user is gone.
        await nas.RunAsync(Cancel, "userdel", "alice");
        Assert.Equal(2, (await nas.TryRunAsync(Cancel, BootedMachine.Program, "service", "install", "--user", "alice", "--force")).ExitCode);
        await nas.RunAsync(Cancel, BootedMachine.Program, "service", "uninstall", "--user", "alice");
        Assert.Equal("not-found", await nas.RunAsync(Cancel, "systemctl", "show", "--property=LoadState", "--value", "tunnelmesh:alice"));
        Assert.Empty(await nas.RunAsync(Cancel, "find", "/etc/systemd/system", "/etc/tunnelmesh", "-name", "*alice*"));
        Assert.DoesNotContain("tun-mesh", await nas.RunAsync(Cancel, "ip", "link"), StringComparison.Ordinal);
        Assert.Equal(2, (await nas.TryRunAsync(Cancel, BootedMachine.Program, "service", "uninstall", "--user", "alice")).ExitCode);
    }

    [Fact]
    public async Task What_a_killed_peer_has_left_goes_by_cleanup_and_with_the_service_and_its_user_has_nothing_else_changed_by_that()
    {
        Requirements.Programs("useradd", "setpriv", "mkfifo", "nft");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel);
        NetworkNamespace network = await underlay.AddMachineAsync(Cancel);
        await hub.JoinAsync(Cancel);
        await using BootedMachine nas = await BootedMachine.StartAsync(underlay, network, Cancel);
        await nas.RunAsync(Cancel, "useradd", "--create-home", "alice");
        string before = await nas.SystemAsync(Cancel);
        CommandResult installed = await nas.TryRunAsync(Cancel, "env", $"TUNNELMESH_SERVER={hub.Machine.Address}:8443", $"TUNNELMESH_TOKEN={Token}", BootedMachine.Program, "service", "install", "--user", "alice");
        Assert.True(installed.Succeeded, installed.ToString());
        await nas.KillServiceAsync("tunnelmesh:alice", Cancel);
        Assert.Contains("table inet tunnelmesh-guard-tun-mesh0", await nas.SystemAsync(Cancel), StringComparison.Ordinal);

        // Its user may not change rules of the kernel, and is told who may.
        CommandResult own = await AsAsync(nas, "alice", "cleanup");
        Assert.True(own.ExitCode == 1 && own.Errors.Contains("sudo tunnelmesh cleanup --user", StringComparison.Ordinal), own.ToString());
        Assert.Equal(4, (await AsAsync(nas, "alice", "cleanup", "--user")).ExitCode);

        // The notes are the user's, who may put there what they like: that rules of other peers were theirs, of one that lives, or of one of root's that was killed, too ...
        const string notes = $"{Home}/contexts/default/guard.json";
        await nas.RunAsync(Cancel, "sh", "-c", $$"""
            set -e
            cp -p {{notes}} /root/notes
            ip tuntap add dev tun-mesh5 mode tun
            mkdir -p /root/.tunnelmesh/contexts/work
            printf '{"interface":"tun-mesh6","backend":"nft"}' > /root/.tunnelmesh/contexts/work/guard.json
            for n in 5 6; do nft add table inet tunnelmesh-guard-tun-mesh$n; done
            """);
        string others = await nas.SystemAsync(Cancel);
        (string Put, string Reason)[] tricks =
        [
            ($$"""printf '{"interface":"tun-mesh5","backend":"nft"}' > {{notes}}""", "there is an interface tun-mesh5"),
            ($$"""printf '{"interface":"tun-mesh6","backend":"nft"}' > {{notes}}""", "/root/.tunnelmesh/contexts/work/guard.json names tun-mesh6, too"),
            // ... a pipe, which nobody writes into, where to read next, or something without end.
            ($"mkfifo {notes}", $"{notes} is no regular file"),
            ($"ln -s /dev/zero {notes}", $"{notes} is a symbolic link"),
            ($"rm -f {notes}.damaged && cp /root/notes {notes} && chmod 644 {notes} && chown daemon: {notes}", "it belongs to user 1,"),
        ];
        foreach ((string put, string reason) in tricks)
        {
            bool byRoot = put.Contains("/root/", StringComparison.Ordinal);
            await nas.RunAsync(Cancel, ["sh", "-c", $"rm -f {notes}; {(byRoot ? put : $"setpriv --reuid=alice --regid=alice --init-groups sh -c '{put.Replace("'", "'\\''", StringComparison.Ordinal)}'")}"]);
            CommandResult refused = await nas.TryRunAsync(Cancel, "timeout", "20", BootedMachine.Program, "cleanup", "--user", "alice");
            Assert.True(refused.ExitCode == 1 && refused.Errors.Contains(reason, StringComparison.Ordinal), $"{put}: {refused}");
            Assert.Equal(others, await nas.SystemAsync(Cancel));
        }

        // Nor is root kept waiting before that.
        await nas.RunAsync(Cancel, "sh", "-c", $"rm -f {notes} && cp -p /root/notes {notes} && mkfifo {Home}/active-context");
        CommandResult cleaned = await nas.TryRunAsync(Cancel, "timeout", "20", "env", "SUDO_USER=alice", BootedMachine.Program, "cleanup", "--user");
        Assert.True(cleaned.Succeeded && cleaned.Output.Contains("they were removed", StringComparison.Ordinal), cleaned.ToString());
        await nas.RunAsync(Cancel, "sh", "-c", $"rm {Home}/active-context; ip link delete tun-mesh5; for n in 5 6; do nft delete table inet tunnelmesh-guard-tun-mesh$n; done; rm -r /root/.tunnelmesh");
        Assert.Equal(before, await nas.SystemAsync(Cancel));
        cleaned = await nas.TryRunAsync(Cancel, BootedMachine.Program, "cleanup", "--user", "alice", "--all");
        Assert.True(cleaned.Succeeded && cleaned.Output.Contains("No peer has left anything behind.", StringComparison.Ordinal), cleaned.ToString());

        // That root's resolv.conf was empty, for instance, is not even read.
        await nas.RunAsync(Cancel, "sh", "-c", $"cp -p /root/notes {notes} && nft add table inet tunnelmesh-guard-tun-mesh0");
        await nas.RunAsync(Cancel, "sh", "-c", $$"""
            printf '{"backend":"resolv.conf","interface":"tun-mesh0","files":[{"path":"/etc/resolv.conf","content":"","mode":420,"written_unix_ms":1,"ours":"%s"}]}' "$(base64 -w 0 /etc/resolv.conf)" > {{Home}}/contexts/default/dns.json
            chown alice: {{Home}}/contexts/default/dns.json
            """);
        CommandResult gone = await nas.TryRunAsync(Cancel, BootedMachine.Program, "service", "uninstall", "--user", "alice");
        Assert.True(gone.Succeeded && gone.Output.Contains("they were removed", StringComparison.Ordinal), gone.ToString());
        Assert.Equal(before, await nas.SystemAsync(Cancel));
        await nas.RunAsync(Cancel, "test", "!", "-e", $"{Home}/contexts/default/guard.json", "-a", "-e", $"{Home}/contexts/default/dns.json");
        Assert.Empty(await nas.RunAsync(Cancel, "find", "/home/alice", "!", "-user", "alice"));
    }

    [Fact]
    public async Task Names_that_mean_something_to_systemd_work_and_what_is_not_the_user_s_is_neither_read_nor_run()
    {
        const string odd = "carol@example.org", unit = @"tunnelmesh:carol\x40example.org";
        Requirements.Programs("useradd", "setpriv");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel);
        NetworkNamespace network = await underlay.AddMachineAsync(Cancel);
        await hub.JoinAsync(Cancel);
        await using BootedMachine nas = await BootedMachine.StartAsync(underlay, network, Cancel);
        Task<CommandResult> InstallAsync(string user) => nas.TryRunAsync(Cancel,
            "env", $"TUNNELMESH_SERVER={hub.Machine.Address}:8443", $"TUNNELMESH_TOKEN={Token}", BootedMachine.Program, "service", "install", "--user", user);
        async Task RefusedAsync(int code, string reason)
        {
            CommandResult refused = await InstallAsync("bob");
            Assert.True(refused.ExitCode == code && refused.Errors.Contains(reason, StringComparison.Ordinal), refused.ToString());
            Assert.DoesNotContain("geheim", refused.Output + refused.Errors, StringComparison.Ordinal);
            Assert.Empty(await nas.RunAsync(Cancel, "find", "/etc/systemd/system", "/home/bob", "-name", "*:bob*", "-o", "-name", "contexts"));
        }

        await nas.RunAsync(Cancel, "useradd", "--no-create-home", "bob");
        CommandResult homeless = await InstallAsync("bob");
        Assert.True(homeless.ExitCode == 3 && homeless.Errors.Contains("does not exist", StringComparison.Ordinal), homeless.ToString());
        await nas.RunAsync(Cancel, "mkdir", "-m", "700", "/home/bob");
        await RefusedAsync(3, "/home/bob belongs to user 0");
        await nas.RunAsync(Cancel, "chown", "bob:", "/home/bob");
        await nas.RunAsync(Cancel, "sh", "-c", "umask 077; mkdir /root/other; echo 'geheim: 1' > /root/other/config.yaml; chmod 644 /root/other/config.yaml; ln -s /root/other /home/bob/.tunnelmesh");
        await RefusedAsync(3, "/home/bob/.tunnelmesh belongs to user 0");
        await nas.RunAsync(Cancel, "sh", "-c", "rm /home/bob/.tunnelmesh; setpriv --reuid=bob --regid=bob --clear-groups mkdir /home/bob/.tunnelmesh; ln -s /root/other/config.yaml /home/bob/.tunnelmesh/config.yaml");
        await nas.RunAsync(Cancel, "chmod", "600", "/dev/net/tun");
        await RefusedAsync(4, "may not open /dev/net/tun");
        await nas.RunAsync(Cancel, "chmod", "666", "/dev/net/tun");
        await nas.RunAsync(Cancel, "sh", "-c", "rm /home/bob/.tunnelmesh/config.yaml; echo 'exit_peer: hub' > /home/bob/.tunnelmesh/config.yaml");
        await RefusedAsync(3, "exit_peer is set");
        // What only root can read is not read for the user.
        await nas.RunAsync(Cancel, "ln", "-sf", "/root/other/config.yaml", "/home/bob/.tunnelmesh/config.yaml");
        await RefusedAsync(3, "/home/bob/.tunnelmesh/config.yaml: cannot be read");
        await nas.RunAsync(Cancel, "rm", "/home/bob/.tunnelmesh/config.yaml");
        CommandResult installed = await InstallAsync("bob");
        Assert.True(installed.Succeeded, installed.ToString());
        await nas.RunAsync(Cancel, BootedMachine.Program, "service", "uninstall", "--user", "bob");

        await nas.RunAsync(Cancel, "sh", "-c", $"echo '{odd}:x:4711:4711::/srv/a b:/bin/sh' >> /etc/passwd; echo '{odd}:x:4711:' >> /etc/group; mkdir -p '/srv/a b'; chown 4711:4711 '/srv/a b'");
        installed = await InstallAsync(odd);
        Assert.True(installed.Succeeded && installed.Output.Contains(unit, StringComparison.Ordinal), installed.ToString());
        Assert.Equal("active", await nas.RunAsync(Cancel, "systemctl", "is-active", unit));
        Assert.Equal("4711 700", await nas.RunAsync(Cancel, "stat", "--format=%u %a", "/srv/a b/.tunnelmesh/contexts/default"));
        Assert.Contains("Connected to mesh as", await nas.RunAsync(Cancel, BootedMachine.Program, "service", "logs", "--user", odd), StringComparison.Ordinal);
        CommandResult verified = await VerifyAsync(nas, $"/etc/systemd/system/{unit}.service");
        Assert.True(verified.Succeeded && (verified.Output + verified.Errors).Length == 0, verified.ToString());
        await nas.RunAsync(Cancel, BootedMachine.Program, "service", "uninstall", "--user", odd);
        Assert.Empty(await nas.RunAsync(Cancel, "find", "/etc/systemd/system", "/etc/tunnelmesh", "-name", "*carol*"));
    }

    // A colon in the name of a file parts it from an alias there.
    private static Task<CommandResult> VerifyAsync(BootedMachine machine, string unit) =>
        machine.TryRunAsync(Cancel, "sh", "-c", $"mkdir -p /tmp/verify && cp '{unit}' /tmp/verify/tunnelmesh-user.service && systemd-analyze verify /tmp/verify/tunnelmesh-user.service");
}
