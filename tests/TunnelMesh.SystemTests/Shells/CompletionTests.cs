using System.Security.Cryptography;
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

    // A word, a flag, a value of a flag in both spellings, and a device, for which the running peer is asked.
    private static readonly (string Line, string Expected)[] Lines =
    [
        ("tunnelmesh tok", "tunnelmesh token"),
        ("tunnelmesh token revoke --rev", "tunnelmesh token revoke --revoke-peers"),
        ("tunnelmesh --log-level de", "tunnelmesh --log-level debug"),
        ("tunnelmesh --log-level=de", "tunnelmesh --log-level=debug"),
        ("tunnelmesh ping pri", "tunnelmesh ping printer"),
        ("tunnelmesh transport hub --with pri", "tunnelmesh transport hub --with printer"),
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public async Task Tab_completes_commands_flags_values_and_devices(string shell)
    {
        Requirements.Programs("zsh", shell);
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel), printer = await Peer.AddAsync(underlay, "printer", Token, Cancel);
        await hub.JoinAsync(Cancel);
        await printer.JoinAsync(Cancel, $"{hub.Machine.Address}:8443");
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
