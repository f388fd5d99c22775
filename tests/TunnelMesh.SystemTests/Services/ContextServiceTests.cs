using System.Security.Cryptography;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Services;

/// <summary>Two meshes on one machine, each a service of the same systemd.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class ContextServiceTests
{
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // What programs of the machine find: each mesh calls its own coordinator `this.tm`.
    private static Task<string> FocusAsync(BootedMachine machine, string wanted) =>
        machine.UntilAsync(found => found.StartsWith(wanted + " ", StringComparison.Ordinal), Cancel, "getent", "ahostsv4", "this.tm");

    private static Task<string> PidAsync(BootedMachine machine, string service) => machine.RunAsync(Cancel, "systemctl", "show", "--property=MainPID", "--value", service);

    [Fact]
    public async Task Two_contexts_run_side_by_side_use_moves_the_names_and_stopping_one_leaves_the_other_whole()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer red = await Peer.AddAsync(underlay, "red", Token, Cancel), blue = await Peer.AddAsync(underlay, "blue", Token, Cancel);
        NetworkNamespace network = await underlay.AddMachineAsync(Cancel);
        await red.JoinAsync(Cancel);
        await blue.JoinAsync(Cancel, coordinator: "mesh_cidr: 10.43.0.0/16");
        await using BootedMachine nas = await BootedMachine.StartAsync(underlay, network, Cancel);
        string before = await nas.RunAsync(Cancel, "cat", "/etc/resolv.conf");
        Task<CommandResult> Service(params string[] words) => nas.TryRunAsync(Cancel, [BootedMachine.Program, "service", .. words]);

        // As the guide has it: joined by hand once, and then a service, which needs to be told nothing.
        foreach ((Peer hub, string context) in new[] { (red, "default"), (blue, "work") })
        {
            await using RunningProgram joined = nas.Start("env", $"TUNNELMESH_TOKEN={Token}", BootedMachine.Program, "join", $"{hub.Machine.Address}:8443", "--name", "nas", "--context", context);
            await joined.WaitForLineAsync("Connected to mesh as nas", Patience, Cancel);
            await nas.RunAsync(Cancel, "kill", "-INT", await nas.RunAsync(Cancel, "pgrep", "--full", $"^{BootedMachine.Program} join .* --context {context}"));
            Assert.Equal(0, await joined.WaitForExitAsync(Patience, Cancel));
            CommandResult installed = await Service("install", "--context", context);
            Assert.True(installed.Succeeded && installed.Output.Contains($"The service {(context == "work" ? "tunnelmesh-work" : "tunnelmesh")} is started.", StringComparison.Ordinal), installed.ToString());
        }

        Assert.Equal("active\nactive", await nas.RunAsync(Cancel, "systemctl", "is-active", "tunnelmesh", "tunnelmesh-work"));
        foreach ((Peer hub, string ours) in new[] { (red, "10.42.0.2"), (blue, "10.43.0.2") })
        {
            Assert.True(await hub.Machine.ReachesAsync(ours, 10, Cancel), ours);
        }

        // The names are of the mesh in use, and move at once.
        await FocusAsync(nas, "10.42.0.1");
        Assert.Contains("by resolv.conf", await nas.RunAsync(Cancel, BootedMachine.Program, "context", "use", "work"), StringComparison.Ordinal);
        Assert.StartsWith("10.43.0.1 ", await nas.RunAsync(Cancel, "getent", "ahostsv4", "this.tm"), StringComparison.Ordinal);
        Assert.Contains("tunnelmesh-work.service", (await Service("status")).Output, StringComparison.Ordinal);

        // One that stops hands them over, and takes them back; the other goes on as it was.
        string other = await PidAsync(nas, "tunnelmesh");
        Assert.True((await Service("stop", "--context", "work")).Succeeded);
        await FocusAsync(nas, "10.42.0.1");
        Assert.True(await red.Machine.ReachesAsync("10.42.0.2", 5, Cancel));
        Assert.False(await blue.Machine.ReachesAsync("10.43.0.2", 1, Cancel));
        Assert.DoesNotContain("tun-mesh1", await nas.RunAsync(Cancel, "ip", "link"), StringComparison.Ordinal);
        Assert.True((await Service("start", "--context", "work")).Succeeded);
        await FocusAsync(nas, "10.43.0.1");
        Assert.True(await blue.Machine.ReachesAsync("10.43.0.2", 10, Cancel));

        // So does one that is killed, when systemd has started it again.
        await nas.RunAsync(Cancel, "kill", "-KILL", await PidAsync(nas, "tunnelmesh-work"));
        await nas.UntilAsync(restarts => restarts == "1", Cancel, "systemctl", "show", "--property=NRestarts", "--value", "tunnelmesh-work");
        await nas.UntilAsync(state => state == "active", Cancel, "systemctl", "is-active", "tunnelmesh-work");
        await FocusAsync(nas, "10.43.0.1");
        Assert.Equal(other, await PidAsync(nas, "tunnelmesh"));
        Assert.True(await red.Machine.ReachesAsync("10.42.0.2", 5, Cancel));

        // Taken away one after the other, nothing of either stays.
        Assert.True((await Service("uninstall", "--context", "work")).Succeeded);
        await FocusAsync(nas, "10.42.0.1");
        Assert.True((await Service("uninstall", "--context", "default")).Succeeded);
        Assert.Equal(before, await nas.RunAsync(Cancel, "cat", "/etc/resolv.conf"));
        Assert.DoesNotContain("tun-mesh", await nas.RunAsync(Cancel, "ip", "link"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_joined_with_a_context_and_leaves_it_out_is_told_which_it_was()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel), first = await Peer.AddAsync(underlay, "laptop", Token, Cancel);
        await using Peer second = first.Beside("work", Token);
        await hub.JoinAsync(Cancel);
        await second.JoinAsync(Cancel, $"{hub.Machine.Address}:8443");
        Assert.Equal(0, await second.StopAsync(Cancel));
        CommandResult refused = await first.AskAsync(Cancel, "service", "install", "--root", Path.Combine(underlay.Folder, "root"));
        Assert.Equal(7, refused.ExitCode);
        Assert.Contains("These are members: work; for one of them: tunnelmesh service install --context work", refused.Errors, StringComparison.Ordinal);
    }
}
