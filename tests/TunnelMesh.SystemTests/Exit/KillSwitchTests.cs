using System.Security.Cryptography;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Exit;

/// <summary>Which ends of a peer end its kill switch, and how the way is opened by hand.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class KillSwitchTests
{
    private const string Site6 = $"[{ExitLab.Site6}]";
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static async Task IsClosedAsync(ExitLab lab)
    {
        Assert.Equal("", await lab.SourceAsync(ExitLab.Site, Cancel));
        Assert.Equal("", await lab.SourceAsync(Site6, Cancel));
        Assert.False((await lab.Client.Machine.TryRunAsync(["curl", "-s", "--interface", "eth0", "--max-time", "2", $"http://{ExitLab.Site}/"], Cancel)).Succeeded);
    }

    private static async Task IsOpenAsync(ExitLab lab)
    {
        await ExitLab.NothingIsLeftAsync(lab.Client.Machine, "1", Cancel);
        Assert.Equal(lab.Client.Machine.Address, await lab.SourceAsync(ExitLab.Name, Cancel));
        Assert.Equal(lab.Client.Machine.Address6, await lab.SourceAsync(Site6, Cancel));
    }

    [Fact]
    public async Task It_stays_when_the_coordinator_throws_the_device_out_until_somebody_here_opens_the_way()
    {
        await using ExitLab lab = await ExitLab.StartAsync(Token, ExitLab.Switch, Cancel);
        CommandResult early = await lab.Client.AskAsync(Cancel, "exit", "open");
        Assert.Equal(8, early.ExitCode);
        Assert.Contains("service stop", early.Errors, StringComparison.Ordinal);

        Assert.Equal("client", (await lab.Hub.AskJsonAsync(Cancel, "revoke", "client", "--yes")).GetProperty("devices")[0].GetString());
        Assert.Equal(6, await lab.Client.Program!.WaitForExitAsync(Patience, Cancel));
        string said = await lab.Client.Program.WaitForLineAsync("THE KILL SWITCH STAYS", Patience, Cancel);
        Assert.EndsWith("tunnelmesh exit open", said, StringComparison.Ordinal);
        await IsClosedAsync(lab);
        CommandResult status = await lab.Client.AskAsync(Cancel, "status");
        Assert.Equal(7, status.ExitCode);
        Assert.Contains("tunnelmesh exit open", status.Errors, StringComparison.Ordinal);

        // Whoever tries again is told again, and nothing is opened by that.
        Assert.Equal(6, (await lab.Client.FailToJoinAsync(Cancel, lab.Server, ExitLab.Switch)).Code);
        await IsClosedAsync(lab);

        CommandResult opened = await lab.Client.AskAsync(Cancel, "exit", "open");
        Assert.True(opened.Succeeded && opened.Output.Contains("The way is open", StringComparison.Ordinal), opened.ToString());
        await IsOpenAsync(lab);
        Assert.Contains("nothing to open", (await lab.Client.AskAsync(Cancel, "exit", "open")).Output, StringComparison.Ordinal);
        Assert.DoesNotContain("exit open", (await lab.Client.AskAsync(Cancel, "status")).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_stays_over_a_start_that_fails_and_the_watchdogs_signal_and_ends_with_an_end_that_was_asked_for()
    {
        await using ExitLab lab = await ExitLab.StartAsync(Token, ExitLab.Switch, Cancel);
        // As the watchdog of a service manager ends a peer that hangs: in order, and nobody asked for it.
        await lab.Client.Machine.RunAsync(["kill", "-QUIT", $"{lab.Client.Program!.ProcessId}"], cancel: Cancel);
        Assert.Equal(0, await lab.Client.Program.WaitForExitAsync(Patience, Cancel));
        await IsClosedAsync(lab);

        (int code, string output) = await lab.Client.FailToJoinAsync(Cancel, lab.Server, "exit_peer: exid\nexit_kill_switch: true");
        Assert.Equal(3, code);
        Assert.Contains("is no device of the mesh", output, StringComparison.Ordinal);
        // Nor does one without an exit peer open it.
        (code, output) = await lab.Client.FailToJoinAsync(Cancel, lab.Server, "exit_kill_switch: true");
        Assert.Equal(3, code);
        Assert.Contains("there is no exit peer", output, StringComparison.Ordinal);
        await IsClosedAsync(lab);

        await lab.Client.JoinAsync(Cancel, lab.Server, ExitLab.Switch);
        await ExitLab.UntilAsync(lab.Client, "active", "exit", Cancel);
        Assert.Equal(ExitLab.ExitSource, await lab.SourceAsync(ExitLab.Name, Cancel));
        // As `timeout` of GNU ends what it runs: twice.
        await lab.Client.Machine.RunAsync(["sh", "-c", "kill -TERM $0; sleep 0.003; kill -TERM $0; sleep 0.02; kill -TERM $0", $"{lab.Client.Program!.ProcessId}"], cancel: Cancel);
        Assert.Equal(0, await lab.Client.Program.WaitForExitAsync(Patience, Cancel));
        Assert.Equal($"nameserver {lab.Gateway.Address}\n", lab.ClientResolver.Text);
        await IsOpenAsync(lab);

        // As the system does it before there is a network; the peer takes it over.
        CommandResult closed = await lab.Client.AskAsync(Cancel, "exit", "close", "--config", Path.Combine(lab.Client.Folder, "config.yaml"));
        Assert.True(closed.Succeeded, closed.ToString());
        await IsClosedAsync(lab);
        await lab.Client.JoinAsync(Cancel, lab.Server, ExitLab.Switch);
        Assert.Contains("The kill switch is in force already", lab.Client.Program!.Output, StringComparison.Ordinal);
        await ExitLab.UntilAsync(lab.Client, "active", "exit", Cancel);
        Assert.Equal(ExitLab.ExitSource6, await lab.SourceAsync(Site6, Cancel));
        Assert.True((await lab.Client.AskAsync(Cancel, "leave")).Succeeded);
        await lab.Client.Program.WaitForExitAsync(Patience, Cancel);
        await IsOpenAsync(lab);
    }
}
