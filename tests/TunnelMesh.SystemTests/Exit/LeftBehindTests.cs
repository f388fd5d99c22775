using System.Security.Cryptography;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Exit;

/// <summary>What a peer that is killed leaves on its machine, names, exit traffic and rules for packets, and the commands that put it back.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class LeftBehindTests
{
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
    private static readonly string[] Journals = ["dns.json", "exit.json", "guard.json"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // Everything that a peer may change on a machine, as the system has it.
    private static Task<string> SystemAsync(NetworkNamespace machine) => machine.RunAsync(["sh", "-c",
        "cat /etc/resolv.conf; stat -c '%F %a %Y' /etc/resolv.conf; nft -s list ruleset; for f in -4 -6; do ip $f rule; ip $f route show table 29805 2> /dev/null; ip $f route; done; " +
        "cd /proc/sys/net && grep -H . ipv4/ip_forward ipv6/conf/all/forwarding ipv4/conf/*/rp_filter ipv4/conf/all/accept_redirects ipv6/conf/*/accept_ra"], cancel: Cancel);

    private static IEnumerable<string?> LeftIn(Peer peer) => Directory.GetFiles(peer.Home, "*.json*", SearchOption.AllDirectories).Select(Path.GetFileName).Intersect(Journals).Order(StringComparer.Ordinal);

    private static async Task KillAsync(ExitLab lab)
    {
        await lab.Client.KillAsync();
        // A kill switch, a resolver that is no more, rules: it is all there.
        Assert.Equal(Journals, LeftIn(lab.Client));
        Assert.Equal("", await lab.SourceAsync(ExitLab.Site, Cancel));
        Assert.Contains($"nameserver 127.0.0.53\n# nameserver {lab.Gateway.Address}\n", lab.ClientResolver.Text, StringComparison.Ordinal);
        string rules = await lab.Client.Machine.RunAsync(["nft", "list", "tables"], cancel: Cancel);
        Assert.True(rules.Contains("tunnelmesh_tun_mesh0", StringComparison.Ordinal) && rules.Contains("tunnelmesh-guard-tun-mesh0", StringComparison.Ordinal), rules);
    }

    private static async Task IsAsBeforeAsync(ExitLab lab, Peer peer, string before)
    {
        Assert.Equal(before, await SystemAsync(peer.Machine));
        Assert.Empty(LeftIn(peer));
        Assert.Equal(lab.Client.Machine.Address, await lab.SourceAsync(ExitLab.Name, Cancel));
    }

    [Fact]
    public async Task Of_a_user_of_an_exit_with_the_kill_switch_it_goes_by_cleanup_and_by_leaving_and_never_while_the_peer_runs()
    {
        await using ExitLab lab = await ExitLab.CreateAsync(Token, Cancel);
        string before = await SystemAsync(lab.Client.Machine);
        await lab.Hub.JoinAsync(Cancel);
        await lab.Exit.JoinAsync(Cancel, lab.Server, ExitLab.Serves);
        await lab.Client.JoinAsync(Cancel, lab.Server, ExitLab.Switch);
        await ExitLab.UntilAsync(lab.Client, "active", "exit", Cancel);

        // While it runs it keeps what is its, also when nobody finds it any more by its control socket.
        string running = await SystemAsync(lab.Client.Machine);
        CommandResult early = await lab.Client.AskAsync(Cancel, "cleanup");
        Assert.True(early.ExitCode == 8 && early.Errors.Contains("is running", StringComparison.Ordinal), early.ToString());
        File.Delete(Path.Combine(lab.Client.Home, "default.sock"));
        foreach (string[] words in new string[][] { ["cleanup", "--all"], ["leave", "--force"], ["context", "delete", "default", "--yes"] })
        {
            early = await lab.Client.AskAsync(Cancel, words);
            Assert.True(early.ExitCode == 8, early.ToString());
        }

        Assert.Equal(running, await SystemAsync(lab.Client.Machine));
        Assert.Equal(ExitLab.ExitSource, await lab.SourceAsync(ExitLab.Name, Cancel));

        await KillAsync(lab);
        CommandResult cleaned = await lab.Client.AskAsync(Cancel, "cleanup");
        Assert.True(cleaned.Succeeded && cleaned.Errors.Length == 0, cleaned.ToString());
        Assert.Equal(3, cleaned.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        await IsAsBeforeAsync(lab, lab.Client, before);
        Assert.Contains("left anything behind", (await lab.Client.AskAsync(Cancel, "cleanup")).Output, StringComparison.Ordinal);

        // Whoever opens the way gets the names as well.
        await lab.Client.JoinAsync(Cancel, lab.Server, ExitLab.Switch);
        await ExitLab.UntilAsync(lab.Client, "active", "exit", Cancel);
        await KillAsync(lab);
        CommandResult opened = await lab.Client.AskAsync(Cancel, "exit", "open");
        Assert.True(opened.Succeeded && opened.Output.Contains("The way is open", StringComparison.Ordinal), opened.ToString());
        await IsAsBeforeAsync(lab, lab.Client, before);
        Assert.Contains("nothing to open", (await lab.Client.AskAsync(Cancel, "exit", "open")).Output, StringComparison.Ordinal);

        await lab.Client.JoinAsync(Cancel, lab.Server, ExitLab.Switch);
        await ExitLab.UntilAsync(lab.Client, "active", "exit", Cancel);
        await KillAsync(lab);
        CommandResult left = await lab.Client.AskAsync(Cancel, "leave", "--force");
        Assert.True(left.Succeeded && left.Output.Contains("Forgot the mesh.", StringComparison.Ordinal), left.ToString());
        await IsAsBeforeAsync(lab, lab.Client, before);
    }

    [Fact]
    public async Task Of_an_exit_and_of_a_context_that_is_deleted_nothing_stays_either()
    {
        await using ExitLab lab = await ExitLab.CreateAsync(Token, Cancel);
        string exit = await SystemAsync(lab.Exit.Machine), client = await SystemAsync(lab.Client.Machine);
        await lab.Hub.JoinAsync(Cancel);
        await lab.Exit.JoinAsync(Cancel, lab.Server, ExitLab.Serves);
        await lab.Client.JoinAsync(Cancel, lab.Server, ExitLab.Switch);
        await ExitLab.UntilAsync(lab.Client, "active", "exit", Cancel);

        await KillAsync(lab);
        CommandResult deleted = await lab.Client.AskAsync(Cancel, "context", "delete", "default", "--yes");
        Assert.True(deleted.Succeeded && deleted.Errors.Contains("exit traffic was left behind", StringComparison.Ordinal), deleted.ToString());
        await IsAsBeforeAsync(lab, lab.Client, client);

        Assert.Equal("1", await lab.Exit.Machine.RunAsync(["cat", "/proc/sys/net/ipv4/ip_forward"], cancel: Cancel));
        await lab.Exit.KillAsync();
        Assert.Equal(Journals, LeftIn(lab.Exit));
        // Without the program that would undo it, it stays written down, and is undone when that is there.
        CommandResult failed = await lab.Exit.Machine.TryRunAsync(["env", $"TUNNELMESH_HOME={lab.Exit.Home}", "unshare", "--mount", "sh", "-c",
            "mount --bind /bin/false \"$(command -v nft)\" && exec \"$0\" cleanup --all", Repository.Binary], Cancel);
        Assert.True(failed.ExitCode == 1 && failed.Errors.Contains("cannot be undone", StringComparison.Ordinal), failed.ToString());
        Assert.Equal(["exit.json", "guard.json"], LeftIn(lab.Exit));
        CommandResult cleaned = await lab.Exit.AskAsync(Cancel, "cleanup", "--all");
        Assert.True(cleaned.Succeeded, cleaned.ToString());
        await IsAsBeforeAsync(lab, lab.Exit, exit);
    }
}
