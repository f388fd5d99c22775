using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Shells;

/// <summary>Completion as shells do it when somebody presses Tab, at terminals of their own. PowerShell is not among Debian's packages.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class CompletionTests
{
    // Types a line and two keys into a shell: Tab, and one that writes down what the line has become.
    private const string Typist = """
        zmodload zsh/zpty
        zpty shell $1
        zpty -w shell "$2"
        zpty -r shell seen '*ready>*'
        zpty -w -n shell "$3"$'\t\C-t'
        for _ in {1..400}; do [[ -s $4 ]] && break; zpty -r -t shell seen '*'; sleep 0.05; done
        zpty -d shell
        """;

    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    // A word, a flag, a value of a flag in both spellings, and devices and groups, for which the running peer is asked. Bash takes words apart at colons and equals signs.
    private static readonly (string Line, string Expected)[] Lines =
    [
        ("tunnelmesh tok", "tunnelmesh token"),
        ("tunnelmesh token revoke --rev", "tunnelmesh token revoke --revoke-peers"),
        ("tunnelmesh --log-level de", "tunnelmesh --log-level debug"),
        ("tunnelmesh --log-level=de", "tunnelmesh --log-level=debug"),
        ("tunnelmesh filter add --protocol ic", "tunnelmesh filter add --protocol icmp"),
        ("tunnelmesh filter remove --action=de", "tunnelmesh filter remove --action=deny"),
        ("tunnelmesh revoke pri", "tunnelmesh revoke printer"),
        ("tunnelmesh ping pri", "tunnelmesh ping printer"),
        ("tunnelmesh transport hub --with pri", "tunnelmesh transport hub --with printer"),
        ("tunnelmesh group delete op", "tunnelmesh group delete operators"),
        ("tunnelmesh group members all_a", "tunnelmesh group members all_admin_users"),
        ("tunnelmesh group add-member operators pri", "tunnelmesh group add-member operators printer"),
        ("tunnelmesh filter add --source-peer pri", "tunnelmesh filter add --source-peer printer"),
        ("tunnelmesh filter add --source-peer group:op", "tunnelmesh filter add --source-peer group:operators"),
        ("tunnelmesh filter remove --source-peer=group:op", "tunnelmesh filter remove --source-peer=group:operators"),
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public async Task Tab_completes_commands_flags_values_devices_and_groups(string shell)
    {
        Requirements.Programs("zsh", shell);
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel), printer = await Peer.AddAsync(underlay, "printer", Token, Cancel);
        await hub.JoinAsync(Cancel);
        await printer.JoinAsync(Cancel, $"{hub.Machine.Address}:8443");
        CommandResult made = await InAsync(hub, "tunnelmesh", "group", "create", "operators");
        Assert.True(made.Succeeded, made.ToString());
        await KnowsGroupAsync(hub, "operators");
        string told = Path.Combine(hub.Folder, "line");
        foreach ((string line, string expected) in Lines)
        {
            if (shell == "fish")
            {
                Assert.Equal(expected.Split(' ')[^1], await FishAsync(hub, line));
                continue;
            }
            File.Delete(told);
            CommandResult typed = await InAsync(hub, "zsh", "-f", "-c", Typist, "typist", shell == "bash" ? "bash --norc --noprofile -i" : "zsh -f -i", SetUp(shell, told), line, told);
            Assert.True(File.Exists(told), $"{line}: {typed}");
            Assert.Equal(expected, (await File.ReadAllTextAsync(told, Cancel)).Trim());
        }
    }

    [Fact]
    public async Task A_peer_that_is_no_coordinator_completes_groups_in_its_rules_and_offers_none_to_change()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel), printer = await Peer.AddAsync(underlay, "printer", Token, Cancel);
        await hub.JoinAsync(Cancel);
        await printer.JoinAsync(Cancel, $"{hub.Machine.Address}:8443");
        Assert.True((await hub.AskAsync(Cancel, "group", "create", "operators")).Succeeded);
        await KnowsGroupAsync(printer, "operators");
        Assert.Equal("group:all_admin_users group:all_service_users group:everyone group:operators hub", await OfferAsync("4", "filter", "add", "--source-peer", ""));
        Assert.Equal("", await OfferAsync("3", "group", "delete", ""));

        async Task<string> OfferAsync(params string[] words)
        {
            CommandResult result = await printer.AskAsync(Cancel, ["__complete", .. words]);
            Assert.True(result.Succeeded && result.Errors.Length == 0, result.ToString());
            return string.Join(' ', result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('\t')[0]).Order(StringComparer.Ordinal));
        }
    }

    // The map brings a group to the peers, a moment after the coordinator has it.
    private static async Task KnowsGroupAsync(Peer peer, string group)
    {
        for (long start = Stopwatch.GetTimestamp(); ; await Task.Delay(50, Cancel))
        {
            JsonElement groups = (await peer.AskJsonAsync(Cancel, "filter", "list")).GetProperty("groups");
            if (groups.EnumerateArray().Any(g => g.GetString() == group))
            {
                return;
            }
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(10), groups.ToString());
        }
    }

    // The prompt is put together, so that it is not seen before the shell shows it.
    private static string SetUp(string shell, string told) => shell == "bash"
        ? $"eval \"$(tunnelmesh completion bash)\"; told() {{ printf '%s\\n' \"$READLINE_LINE\" > {told}; }}; bind -x '\"\\C-t\": told'; PS1='read''y>'"
        : $"autoload -Uz compinit; compinit -u -D; eval \"$(tunnelmesh completion zsh)\"; told() {{ print -r -- \"$BUFFER\" > {told} }}; zle -N told; bindkey '^T' told; PS1='read''y>'";

    // Fish answers itself what it would offer: a line each, and what it means behind a tab.
    private static async Task<string> FishAsync(Peer peer, string line)
    {
        CommandResult result = await InAsync(peer, "fish", "--no-config", "-c", $"tunnelmesh completion fish | source; complete -C '{line}'");
        Assert.True(result.Succeeded, result.ToString());
        return Assert.Single(result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)).Split('\t')[0];
    }

    private static Task<CommandResult> InAsync(Peer peer, params string[] arguments) => peer.Machine.TryRunAsync(
        ["env", $"PATH={Path.GetDirectoryName(Repository.Binary)}:/usr/local/bin:/usr/bin:/bin", $"HOME={peer.Folder}", "TERM=xterm", $"TUNNELMESH_HOME={peer.Home}", .. arguments], Cancel);
}
