using System.Security.Cryptography;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Services;

/// <summary>A peer as a service of the real systemd, with the unit and the few rights that `service install` gives it.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class SystemdTests
{
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_installed_peer_joins_carries_traffic_is_replaced_when_it_hangs_and_leaves_the_system_as_it_was()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel);
        NetworkNamespace network = await underlay.AddMachineAsync(Cancel);
        await hub.JoinAsync(Cancel);
        await using BootedMachine nas = await BootedMachine.StartAsync(underlay, network, Cancel);
        string before = await nas.RunAsync(Cancel, "cat", "/etc/resolv.conf");

        CommandResult installed = await nas.TryRunAsync(Cancel, "env", $"TUNNELMESH_SERVER={hub.Machine.Address}:8443", $"TUNNELMESH_TOKEN={Token}", BootedMachine.Program, "service", "install");
        Assert.True(installed.Succeeded, installed.ToString());
        Assert.Contains("The service tunnelmesh is started.", installed.Output, StringComparison.Ordinal);
        CommandResult status = await nas.TryRunAsync(Cancel, BootedMachine.Program, "service", "status");
        Assert.True(status.Succeeded, status.ToString());
        Assert.Contains("Connected to mesh as", status.Output, StringComparison.Ordinal);
        // Usable when the command came back: traffic both ways, and names.
        string address = (await nas.RunAsync(Cancel, "ip", "-4", "-o", "address", "show", "tun-mesh0")).Split("inet ")[1].Split('/')[0];
        Assert.True(await hub.Machine.ReachesAsync(address, 10, Cancel));
        Assert.StartsWith("10.42.0.1", await nas.RunAsync(Cancel, "getent", "ahostsv4", "hub.tunnelmesh"), StringComparison.Ordinal);

        Assert.Contains("\"guard\":{\"enforced\":true,\"by\":\"nft\"", await nas.RunAsync(Cancel, BootedMachine.Program, "status", "--json"), StringComparison.Ordinal);

        string pid = await nas.RunAsync(Cancel, "systemctl", "show", "--property=MainPID", "--value", "tunnelmesh");
        Assert.Contains("CapEff:\t0000000000001400", await nas.RunAsync(Cancel, "cat", $"/proc/{pid}/status"), StringComparison.Ordinal);
        string seen = await nas.RunAsync(Cancel, "cat", $"/proc/{pid}/environ", $"/proc/{pid}/cmdline", "/etc/systemd/system/tunnelmesh.service")
            + await nas.RunAsync(Cancel, BootedMachine.Program, "service", "logs", "--lines", "1000") + await nas.RunAsync(Cancel, "systemctl", "show", "tunnelmesh") + installed.Output + installed.Errors;
        Assert.Contains("Connected to mesh as", seen, StringComparison.Ordinal);
        Assert.DoesNotContain(Token, seen, StringComparison.Ordinal);

        // Installed again it is a member, which needs no token, and what runs is replaced since its unit says so now.
        Assert.Equal(8, (await nas.TryRunAsync(Cancel, BootedMachine.Program, "service", "install")).ExitCode);
        await nas.RunAsync(Cancel, BootedMachine.Program, "service", "install", "--force");
        pid = await nas.RunAsync(Cancel, "systemctl", "show", "--property=MainPID", "--value", "tunnelmesh");
        await nas.RunAsync(Cancel, BootedMachine.Program, "service", "install");
        Assert.Equal(pid, await nas.RunAsync(Cancel, "systemctl", "show", "--property=MainPID", "--value", "tunnelmesh"));

        // One that gives no sign of life any more, nor hears the signal to stop, is replaced.
        await nas.RunAsync(Cancel, "mkdir", "-p", "/run/systemd/system/tunnelmesh.service.d");
        await nas.RunAsync(Cancel, "sh", "-c", "printf '[Service]\\nWatchdogSec=2\\nTimeoutStopSec=1\\nTimeoutAbortSec=1\\nRestartSec=100ms\\n' > /run/systemd/system/tunnelmesh.service.d/quick.conf && systemctl daemon-reload");
        await nas.RunAsync(Cancel, BootedMachine.Program, "service", "restart");
        pid = await nas.RunAsync(Cancel, "systemctl", "show", "--property=MainPID", "--value", "tunnelmesh");
        await nas.RunAsync(Cancel, "kill", "-STOP", pid);
        await nas.UntilAsync(restarts => restarts == "1", Cancel, "systemctl", "show", "--property=NRestarts", "--value", "tunnelmesh");
        await nas.UntilAsync(state => state == "active", Cancel, "systemctl", "is-active", "tunnelmesh");
        Assert.True(await hub.Machine.ReachesAsync(address, 10, Cancel));

        await nas.RunAsync(Cancel, BootedMachine.Program, "service", "stop");
        Assert.Equal(before, await nas.RunAsync(Cancel, "cat", "/etc/resolv.conf"));
        Assert.Equal(7, (await nas.TryRunAsync(Cancel, BootedMachine.Program, "service", "status")).ExitCode);

        // After leaving there is nothing to start, and that is said.
        await nas.RunAsync(Cancel, BootedMachine.Program, "service", "start");
        await nas.RunAsync(Cancel, BootedMachine.Program, "leave");
        await nas.UntilAsync(state => state == "inactive", Cancel, "systemctl", "is-active", "tunnelmesh");
        CommandResult left = await nas.TryRunAsync(Cancel, BootedMachine.Program, "service", "start");
        Assert.Equal(7, left.ExitCode);
        Assert.Contains("join again first", left.Errors, StringComparison.Ordinal);

        await nas.RunAsync(Cancel, BootedMachine.Program, "service", "uninstall");

        // One that joins by itself comes back when that is asked for anew, and after leaving neither by itself nor with the system.
        string[] self = ["env", $"TUNNELMESH_SERVER={hub.Machine.Address}:8443", $"TUNNELMESH_TOKEN={Token}"];
        await nas.RunAsync(Cancel, [.. self, BootedMachine.Program, "service", "install"]);
        await nas.RunAsync(Cancel, BootedMachine.Program, "leave");
        await nas.UntilAsync(state => state == "inactive", Cancel, "systemctl", "is-active", "tunnelmesh");
        // As the start of the system does.
        await nas.RunAsync(Cancel, "systemctl", "start", "tunnelmesh");
        Assert.Equal("inactive", (await nas.TryRunAsync(Cancel, "systemctl", "is-active", "tunnelmesh")).Output.Trim());
        Assert.Equal(7, (await nas.TryRunAsync(Cancel, BootedMachine.Program, "service", "start")).ExitCode);
        // Where a unit of an older program has no such condition, the program says it, and is not started again for that.
        CommandResult refused = await nas.TryRunAsync(Cancel, [.. self, "NOTIFY_SOCKET=/run/none", BootedMachine.Program, "join"]);
        Assert.Equal(3, refused.ExitCode);
        Assert.Contains("its service does not join again by itself", refused.Errors, StringComparison.Ordinal);
        Assert.Empty((await hub.AskJsonAsync(Cancel, "peers")).EnumerateArray());
        await nas.RunAsync(Cancel, [.. self, BootedMachine.Program, "service", "install"]);
        Assert.Equal("active", await nas.RunAsync(Cancel, "systemctl", "is-active", "tunnelmesh"));

        await nas.RunAsync(Cancel, BootedMachine.Program, "service", "uninstall");
        Assert.Equal("not-found", await nas.RunAsync(Cancel, "systemctl", "show", "--property=LoadState", "--value", "tunnelmesh"));
    }

    [Fact]
    public async Task Its_log_is_followed_until_it_is_interrupted()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel);
        NetworkNamespace network = await underlay.AddMachineAsync(Cancel);
        await hub.JoinAsync(Cancel);
        await using BootedMachine nas = await BootedMachine.StartAsync(underlay, network, Cancel);
        await nas.RunAsync(Cancel, "env", $"TUNNELMESH_SERVER={hub.Machine.Address}:8443", $"TUNNELMESH_TOKEN={Token}", BootedMachine.Program, "service", "install");

        foreach ((string signal, string port) in new[] { ("INT", "7101"), ("TERM", "7102") })
        {
            await using RunningProgram follower = nas.Start(BootedMachine.Program, "service", "logs", "--follow", "--lines", "100");
            await follower.WaitForLineAsync("Connected to mesh as", Patience, Cancel);
            string pid = await nas.RunAsync(Cancel, "pgrep", "--full", "--exact", $"{BootedMachine.Program} service logs --follow --lines 100");
            Assert.DoesNotContain($"port={port}", follower.Output, StringComparison.Ordinal);
            await nas.RunAsync(Cancel, BootedMachine.Program, "filter", "add", "--action", "allow", "--protocol", "tcp", "--port", port);
            await follower.WaitForLineAsync($"port={port}", Patience, Cancel);
            await nas.RunAsync(Cancel, "kill", $"-{signal}", pid);
            Assert.Equal(0, await follower.WaitForExitAsync(Patience, Cancel));
            // What showed the log has gone with it.
            Assert.Empty((await nas.TryRunAsync(Cancel, "pgrep", "--exact", "journalctl")).Output);
        }
    }
}
