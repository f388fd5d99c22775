using System.Security.Cryptography;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Services;

/// <summary>Exit traffic of a service of the real systemd: the rights its unit needs, and the kill switch over a restart of the machine.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class ExitServiceTests
{
    private const string Boot = "tunnelmesh_closed.service";
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static Task<string> ConfigureAsync(BootedMachine machine, string lines) =>
        machine.RunAsync(Cancel, "sh", "-c", $"printf '{lines}\\nfilter:\\n  default_deny: false\\n' > /root/.tunnelmesh/config.yaml");

    [Fact]
    public async Task A_unit_from_before_is_told_of_and_from_a_start_of_the_machine_on_nothing_leaves_until_the_peer_is_connected()
    {
        Requirements.Programs("nft", "tar");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel);
        NetworkNamespace network = await underlay.AddMachineAsync(Cancel);
        await hub.JoinAsync(Cancel, configuration: "allow_exit_traffic: true");
        string archive = Path.Combine(underlay.Folder, "disk.tar");
        await using (BootedMachine nas = await BootedMachine.StartAsync(underlay, network, Cancel))
        {
            CommandResult installed = await nas.TryRunAsync(Cancel, "env", $"TUNNELMESH_SERVER={hub.Machine.Address}:8443", $"TUNNELMESH_TOKEN={Token}", BootedMachine.Program, "service", "install");
            Assert.True(installed.Succeeded, installed.ToString());

            await ConfigureAsync(nas, "allow_exit_traffic: true");
            Assert.False((await nas.TryRunAsync(Cancel, BootedMachine.Program, "service", "restart")).Succeeded);
            Assert.Contains("sudo tunnelmesh service install --force", await nas.RunAsync(Cancel, BootedMachine.Program, "service", "logs", "--lines", "200"), StringComparison.Ordinal);
            CommandResult anew = await nas.TryRunAsync(Cancel, BootedMachine.Program, "service", "install", "--force");
            Assert.True(anew.Succeeded, anew.ToString());
            Assert.Equal("1", await nas.RunAsync(Cancel, "cat", "/proc/sys/net/ipv4/ip_forward"));
            // It may change settings of the kernel, and is no weaker for that than a unit may be.
            Assert.Contains("ProtectKernelTunables=no", await nas.RunAsync(Cancel, "cat", "/etc/systemd/system/tunnelmesh.service"), StringComparison.Ordinal);
            CommandResult judged = await nas.TryRunAsync(Cancel, "systemd-analyze", "security", "--no-pager", "--threshold=40", "tunnelmesh");
            Assert.True(judged.Succeeded, judged.ToString());

            // The kill switch is configured; the unit that closes the way at the start is not there yet, and the log says so.
            await ConfigureAsync(nas, "exit_peer: hub\\nexit_kill_switch: true");
            await nas.RunAsync(Cancel, BootedMachine.Program, "service", "restart");
            Assert.Contains("does not hold from a restart of the machine on", await nas.RunAsync(Cancel, BootedMachine.Program, "service", "logs", "--lines", "200"), StringComparison.Ordinal);
            Assert.Contains("Wrote /etc/systemd/system/" + Boot, await nas.RunAsync(Cancel, BootedMachine.Program, "service", "install"), StringComparison.Ordinal);
            Assert.Equal("enabled", await nas.RunAsync(Cancel, "systemctl", "is-enabled", Boot));
            Assert.Contains("network-pre.target", await nas.RunAsync(Cancel, "systemctl", "show", "--property=Before", "--value", Boot), StringComparison.Ordinal);
            Assert.Equal("", await nas.RunAsync(Cancel, "systemd-analyze", "verify", "/etc/systemd/system/" + Boot));
            judged = await nas.TryRunAsync(Cancel, "systemd-analyze", "security", "--no-pager", "--threshold=40", Boot);
            Assert.True(judged.Succeeded, judged.ToString());
            await nas.UntilAsync(status => status.Contains("kill switch on, from the start of the machine on", StringComparison.Ordinal), Cancel, BootedMachine.Program, "status");
            await nas.TakeAsync(archive, Cancel, "root/.tunnelmesh", "etc/tunnelmesh", "etc/systemd/system");
        }

        // The power fails: all that the kernel knew is gone, and with it the rules.
        await network.RunAsync(["nft", "flush", "ruleset"], cancel: Cancel);
        foreach (string family in new[] { "-4", "-6" })
        {
            await network.TryRunAsync(["ip", family, "rule", "delete", "priority", "5100"], Cancel);
            await network.TryRunAsync(["ip", family, "route", "flush", "table", "29805"], Cancel);
        }

        Assert.True(await network.ReachesAsync(hub.Machine.Address, 5, Cancel));
        await using BootedMachine again = await BootedMachine.StartAsync(underlay, network, Cancel, archive);
        Assert.Equal("active", await again.RunAsync(Cancel, "systemctl", "is-active", Boot));
        Assert.False(await network.ReachesAsync(hub.Machine.Address, 1, Cancel));
        Assert.False(await network.ReachesAsync(hub.Machine.Address6, 1, Cancel));
        await again.RunAsync(Cancel, BootedMachine.Program, "service", "start");
        Assert.Contains("in force already", await again.RunAsync(Cancel, BootedMachine.Program, "service", "logs", "--lines", "200"), StringComparison.Ordinal);
        await again.UntilAsync(status => status.Contains("traffic to the internet leaves there", StringComparison.Ordinal), Cancel, BootedMachine.Program, "status");
        Assert.Contains("reject", await network.RunAsync(["nft", "list", "ruleset"], cancel: Cancel), StringComparison.Ordinal);

        await again.RunAsync(Cancel, BootedMachine.Program, "service", "stop");
        Assert.Equal("", await network.RunAsync(["nft", "list", "ruleset"], cancel: Cancel));
        Assert.True(await network.ReachesAsync(hub.Machine.Address, 5, Cancel));

        // Without nft it is done by iptables, with the same few rights; the legacy one needs more.
        if ((await again.TryRunAsync(Cancel, "iptables", "--version")).Output.Contains("nf_tables", StringComparison.Ordinal))
        {
            await again.RunAsync(Cancel, "rm", "/usr/sbin/nft");
            await again.RunAsync(Cancel, "systemctl", "restart", Boot);
            Assert.False(await network.ReachesAsync(hub.Machine.Address, 1, Cancel));
            Assert.Contains("-A OUTPUT -j TM-tun-mesh0-OUTP", await network.RunAsync(["iptables-save"], cancel: Cancel), StringComparison.Ordinal);
            await again.RunAsync(Cancel, BootedMachine.Program, "exit", "open");
            Assert.True(await network.ReachesAsync(hub.Machine.Address, 5, Cancel));
        }

        await again.RunAsync(Cancel, BootedMachine.Program, "service", "uninstall");
        Assert.Equal("not-found", await again.RunAsync(Cancel, "systemctl", "show", "--property=LoadState", "--value", Boot));
    }

    [Fact]
    public async Task Uninstalled_after_its_peer_was_killed_it_leaves_nothing_also_when_another_peer_runs_by_hand()
    {
        Requirements.Programs("nft");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel);
        NetworkNamespace network = await underlay.AddMachineAsync(Cancel);
        await hub.JoinAsync(Cancel, configuration: "allow_exit_traffic: true");
        await using BootedMachine nas = await BootedMachine.StartAsync(underlay, network, Cancel);
        string before = await nas.SystemAsync(Cancel);
        await nas.RunAsync(Cancel, "mkdir", "-p", "-m", "700", "/root/.tunnelmesh");
        await ConfigureAsync(nas, "exit_peer: hub\\nexit_kill_switch: true");
        CommandResult installed = await nas.TryRunAsync(Cancel, "env", $"TUNNELMESH_SERVER={hub.Machine.Address}:8443", $"TUNNELMESH_TOKEN={Token}", BootedMachine.Program, "service", "install");
        Assert.True(installed.Succeeded, installed.ToString());
        await nas.UntilAsync(status => status.Contains("traffic to the internet leaves there", StringComparison.Ordinal), Cancel, BootedMachine.Program, "status");

        await nas.KillServiceAsync("tunnelmesh", Cancel);
        string killed = await nas.SystemAsync(Cancel);
        foreach (string trace in new[] { "nameserver 127.0.0.53", "table inet tunnelmesh_tun_mesh0", "table inet tunnelmesh-guard-tun-mesh0", "0x746d" })
        {
            Assert.Contains(trace, killed, StringComparison.Ordinal);
        }

        Assert.False(await network.ReachesAsync(hub.Machine.Address, 1, Cancel));
        CommandResult gone = await nas.TryRunAsync(Cancel, BootedMachine.Program, "service", "uninstall");
        Assert.True(gone.Succeeded && gone.Output.Contains("exit traffic was left behind", StringComparison.Ordinal), gone.ToString());
        Assert.Equal(before, await nas.SystemAsync(Cancel));
        Assert.True(await network.ReachesAsync(hub.Machine.Address, 5, Cancel));
        Assert.Equal("", await nas.RunAsync(Cancel, "find", "/root/.tunnelmesh", "/etc/systemd/system", "-name", "*.json.damaged", "-o", "-name", "dns.json", "-o", "-name", "exit.json", "-o", "-name", "guard.json", "-o", "-name", "tunnelmesh*"));

        // Whoever runs the peer by hand keeps what it has changed.
        await nas.RunAsync(Cancel, BootedMachine.Program, "service", "install");
        await nas.KillServiceAsync("tunnelmesh", Cancel);
        await using RunningProgram hand = nas.Start("sh", "-c", $"echo $$ > /run/by-hand && exec {BootedMachine.Program} join {hub.Machine.Address}:8443");
        await hand.WaitForLineAsync("Connected to mesh as", TimeSpan.FromSeconds(30), Cancel);
        await nas.UntilAsync(status => status.Contains("traffic to the internet leaves there", StringComparison.Ordinal), Cancel, BootedMachine.Program, "status");
        string running = await nas.SystemAsync(Cancel);
        await nas.RunAsync(Cancel, BootedMachine.Program, "service", "uninstall");
        Assert.Equal(running, await nas.SystemAsync(Cancel));
        await nas.RunAsync(Cancel, "sh", "-c", "kill -INT $(cat /run/by-hand)");
        Assert.Equal(0, await hand.WaitForExitAsync(TimeSpan.FromSeconds(10), Cancel));
        Assert.Equal(before, await nas.SystemAsync(Cancel));
    }
}
