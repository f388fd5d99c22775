using System.Text;
using TunnelMesh.Platform.Exit;
using TunnelMesh.Platform.SystemDns;

namespace TunnelMesh.Tests.Cli;

/// <summary>What a killed peer has left, here a file of the system's resolver, and every command that puts it back.</summary>
public sealed class CleanupTests : IDisposable
{
    private const string Before = "nameserver 192.0.2.53\n", Ours = "nameserver 127.0.0.53\n";
    private readonly CommandLine _cli = new();

    public void Dispose() => _cli.Dispose();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Folder(string context) => Path.Combine(_cli.Home, "contexts", context);

    private string Journal(string context) => Path.Combine(Folder(context), "dns.json");

    private string Resolver(string context) => _cli.PathOf($"resolv-{context}.conf");

    // As a process writes it that is killed then; what is returned holds the journal as one that lives does.
    private SystemDnsJournal Set(string context, string? link = null)
    {
        Directory.CreateDirectory(Folder(context));
        SystemDnsJournal journal = new(Journal(context));
        byte[] ours = Encoding.UTF8.GetBytes(Ours);
        SavedFile saved = link is null
            ? new SavedFile { Path = Resolver(context), Content = Encoding.UTF8.GetBytes(Before), Mode = 0x1A4, WrittenUnixMs = 1, Ours = ours }
            : new SavedFile { Path = Resolver(context), LinkTarget = link, Ours = ours };
        journal.Write(new SystemDnsEntry { Backend = "resolv.conf", Interface = "tun-mesh0", Files = [saved] });
        File.WriteAllBytes(Resolver(context), ours);
        return journal;
    }

    private void Leave(params string[] contexts)
    {
        foreach (string context in contexts)
        {
            Set(context).Dispose();
        }
    }

    private void IsPutBack(string context)
    {
        Assert.Equal(Before, File.ReadAllText(Resolver(context)));
        Assert.False(File.Exists(Journal(context)));
    }

    [Fact]
    public async Task Cleanup_puts_back_what_one_context_has_left_or_all_of_them()
    {
        Leave("default", "work");
        (int code, string output, string error) = await _cli.RunAsync(["cleanup"]);
        Assert.Equal((0, ""), (code, error));
        Assert.Contains("(resolv.conf) was left behind by a peer that ended without cleaning up; it was undone.", output, StringComparison.Ordinal);
        IsPutBack("default");
        Assert.Equal(Ours, await File.ReadAllTextAsync(Resolver("work"), Cancel));
        Leave("default");
        (code, output, error) = await _cli.RunAsync(["cleanup", "--all"]);
        Assert.Equal((0, "", 2), (code, error, output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length));
        IsPutBack("default");
        IsPutBack("work");
        Assert.Equal("No peer has left anything behind.", (await _cli.RunAsync(["cleanup", "--all"])).Output.Trim());
        Assert.Equal("No peer of the context other has left anything behind.", (await _cli.RunAsync(["cleanup", "--context", "other"])).Output.Trim());
        Assert.Equal(2, (await _cli.RunAsync(["cleanup", "--all", "--context", "work"])).Code);
        Assert.Equal(2, (await _cli.RunAsync(["cleanup", "--context", "../x"])).Code);
    }

    [Fact]
    public async Task Leaving_by_force_and_deleting_a_context_put_it_back_too()
    {
        Leave("default", "work");
        await File.WriteAllTextAsync(Path.Combine(Folder("default"), "mesh.json"), "{}", Cancel);
        (int code, string output, string error) = await _cli.RunAsync(["leave", "--force"]);
        Assert.Equal(0, code);
        Assert.StartsWith("Forgot the mesh.", output, StringComparison.Ordinal);
        Assert.Contains("it was undone", error, StringComparison.Ordinal);
        IsPutBack("default");
        (code, _, error) = await _cli.RunAsync(["context", "delete", "work", "--yes"]);
        Assert.Equal(0, code);
        Assert.Contains("it was undone", error, StringComparison.Ordinal);
        IsPutBack("work");
        // Also of one that has forgotten its mesh before.
        Leave("default");
        (code, output, _) = await _cli.RunAsync(["leave", "--force"]);
        Assert.Equal(0, code);
        Assert.Contains("nothing to forget", output, StringComparison.Ordinal);
        IsPutBack("default");
    }

    [Fact]
    public async Task Opening_the_way_puts_back_how_names_are_asked_for_too_or_says_what_could_not_be()
    {
        Assert.SkipUnless(ExitSystem.Outlives, "nothing outlives a peer here");
        string[] open = ["exit", "open"];
        Leave("default");
        (int code, string output, string error) = await _cli.RunAsync(open, isRoot: true);
        Assert.Equal((0, ""), (code, error));
        Assert.Contains("it was undone", output, StringComparison.Ordinal);
        Assert.EndsWith("The way is open: traffic leaves this machine as if there were no exit peer.", output.TrimEnd(), StringComparison.Ordinal);
        IsPutBack("default");
        Assert.Contains("nothing to open", (await _cli.RunAsync(open, isRoot: true)).Output, StringComparison.Ordinal);

        Set("default", link: "elsewhere").Dispose();
        Directory.CreateDirectory(Resolver("default") + ".tunnelmesh");
        (code, output, error) = await _cli.RunAsync(open, isRoot: true);
        Assert.Equal(1, code);
        Assert.DoesNotContain("The way is open", output, StringComparison.Ordinal);
        Assert.EndsWith("To try again: tunnelmesh cleanup", error.TrimEnd(), StringComparison.Ordinal);
        Directory.Delete(Resolver("default") + ".tunnelmesh");
        using SystemDnsJournal held = Set("default");
        Assert.Equal(8, (await _cli.RunAsync(open, isRoot: true)).Code);
        Assert.Equal(Ours, await File.ReadAllTextAsync(Resolver("default"), Cancel));
    }

    [Fact]
    public async Task What_a_process_that_lives_has_changed_is_left_to_it_though_nobody_answers_at_the_control_socket()
    {
        using SystemDnsJournal held = Set("default");
        Leave("work");
        await File.WriteAllTextAsync(Path.Combine(Folder("default"), "mesh.json"), "{}", Cancel);
        foreach (string[] words in new string[][] { ["cleanup"], ["leave", "--force"], ["context", "delete", "default", "--yes"], ["cleanup", "--all"] })
        {
            (int code, _, string error) = await _cli.RunAsync(words);
            Assert.True(code == 8, $"{string.Join(' ', words)}: {code} {error}");
            Assert.Equal(Ours, await File.ReadAllTextAsync(Resolver("default"), Cancel));
            Assert.True(File.Exists(Journal("default")) && held.IsHeld);
            Assert.True(File.Exists(Path.Combine(Folder("default"), "mesh.json")));
        }
        // The other one is none of its business.
        IsPutBack("work");
    }

    [Fact]
    public async Task With_all_each_context_is_told_of_by_name_whatever_becomes_of_the_others()
    {
        using SystemDnsJournal held = Set("busy");
        (int code, string output, string error) = await _cli.RunAsync(["cleanup", "--all"]);
        Assert.Equal((8, ""), (code, output));
        Assert.EndsWith("The peer of the context busy is running, and puts back what it has changed when it ends. To end it: Ctrl-C where it runs, or tunnelmesh service stop --context busy", error.TrimEnd(), StringComparison.Ordinal);

        Directory.CreateDirectory(Folder("empty"));
        (code, output, _) = await _cli.RunAsync(["cleanup", "--all"]);
        Assert.Equal((8, "No other peer has left anything behind."), (code, output.Trim()));

        // One that works, one that fails and two that are busy, in the order of their names.
        Leave("work");
        Set("bad", link: "elsewhere").Dispose();
        Directory.CreateDirectory(Resolver("bad") + ".tunnelmesh");
        using (SystemDnsJournal second = Set("later"))
        {
            (code, output, error) = await _cli.RunAsync(["cleanup", "--all"]);
        }
        Assert.Equal(8, code);
        Assert.StartsWith("work: The DNS set-up of this system (resolv.conf) was left behind", Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.Contains("bad: The DNS set-up of this system (resolv.conf) was left behind by a peer that ended without cleaning up, and cannot be undone", error, StringComparison.Ordinal);
        Assert.EndsWith("The peers of the contexts busy, later are running, and put back what they have changed when they end. To end them: Ctrl-C where they run, or tunnelmesh service stop --context busy and tunnelmesh service stop --context later",
            error.TrimEnd(), StringComparison.Ordinal);
        IsPutBack("work");
        Assert.True(File.Exists(Journal("bad")) && held.IsHeld);

        // The next time only what is left is.
        held.Dispose();
        (code, output, error) = await _cli.RunAsync(["cleanup", "--all"]);
        Assert.Equal((1, 2), (code, output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length));
        Assert.DoesNotContain("running", error, StringComparison.Ordinal);
        IsPutBack("busy");
        IsPutBack("later");
    }

    [Fact]
    public async Task Of_a_user_s_peer_only_root_can_put_it_back()
    {
        Leave("default");
        (int code, _, string error) = await _cli.RunAsync(["cleanup", "--user", "nobody"]);
        Assert.Equal(4, code);
        Assert.Contains(OperatingSystem.IsLinux() ? "Run this as root, or by sudo" : "Leave out --user", error, StringComparison.Ordinal);
        Assert.Equal(Ours, await File.ReadAllTextAsync(Resolver("default"), Cancel));
    }

    [Fact]
    public async Task What_cannot_be_put_back_is_told_and_can_be_tried_again_and_only_leaving_goes_on()
    {
        Set("default", link: "elsewhere").Dispose();
        await File.WriteAllTextAsync(Path.Combine(Folder("default"), "mesh.json"), "{}", Cancel);
        string obstacle = Resolver("default") + ".tunnelmesh";
        Directory.CreateDirectory(obstacle);
        (int code, _, string error) = await _cli.RunAsync(["context", "delete", "default", "--yes"]);
        Assert.Equal(1, code);
        Assert.Contains("cannot be undone", error, StringComparison.Ordinal);
        Assert.EndsWith("Nothing was deleted.", error.TrimEnd(), StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(Folder("default"), "mesh.json")));
        (code, string output, error) = await _cli.RunAsync(["leave", "--force"]);
        Assert.Equal(1, code);
        Assert.StartsWith("Forgot the mesh.", output, StringComparison.Ordinal);
        Assert.EndsWith("To try again: tunnelmesh cleanup", error.TrimEnd(), StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(Folder("default"), "mesh.json")));
        (code, _, error) = await _cli.RunAsync(["cleanup"]);
        Assert.Equal(1, code);
        Assert.Contains("cannot be undone", error, StringComparison.Ordinal);
        Directory.Delete(obstacle);
        Assert.Equal(0, (await _cli.RunAsync(["cleanup"])).Code);
        Assert.Equal("elsewhere", new FileInfo(Resolver("default")).LinkTarget);
        Assert.False(File.Exists(Journal("default")));
    }
}
