using System.CommandLine;
using System.Diagnostics;
using System.Reflection;
using TunnelMesh.Cli;
using TunnelMesh.Cli.Commands;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Tests.Cli;

public sealed class HelpTests : IDisposable
{
    private readonly CommandLine _cli = new();

    public void Dispose() => _cli.Dispose();

    private RootCommand Root() => Program.Root(_cli.Context());

    [Fact]
    public async Task Every_command_shows_its_flags_and_examples_that_it_understands()
    {
        RootCommand root = Root();
        foreach ((string path, Command command) in CommandTree.All(root).Where(c => c.Command.Subcommands.Count == 0))
        {
            (int code, string output, string error) = await _cli.RunAsync([.. path.Split(' '), "--help"]);
            Assert.Equal((0, ""), (code, error));
            Assert.Contains(command.Description!, output, StringComparison.Ordinal);
            Assert.DoesNotContain('\u001b', output);
            Assert.NotEmpty(Examples.Of(path));
            foreach ((string line, string what) in Examples.Of(path))
            {
                Assert.Contains(line, output, StringComparison.Ordinal);
                Assert.Contains(what, output, StringComparison.Ordinal);
                ParseResult parsed = root.Parse(line.Split(" >")[0]["tunnelmesh ".Length..]);
                Assert.True(UsageText.Describe(parsed) is null, line);
                Assert.Same(command, parsed.CommandResult.Command);
            }
        }
    }

    [Fact]
    public async Task A_command_with_others_below_it_shows_their_examples()
    {
        (string Path, Command Command)[] groups = [.. CommandTree.All(Root()).Where(c => c.Command.Subcommands.Count > 0)];
        Assert.Contains("filter", groups.Select(g => g.Path));
        foreach ((string path, Command command) in groups)
        {
            (int code, string output, string error) = await _cli.RunAsync([.. path.Split(' '), "--help"]);
            Assert.Equal((0, ""), (code, error));
            Assert.All(CommandTree.All(command).SelectMany(c => Examples.Of($"{path} {c.Path}")), e => Assert.Contains(e.Line, output, StringComparison.Ordinal));
        }
        Assert.Contains("COMMAND --help", (await _cli.RunAsync(["--help"])).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_command_and_every_flag_has_its_page_and_the_pages_are_sound()
    {
        string folder = _cli.PathOf("man");
        (int code, string output, _) = await _cli.RunAsync(["man", "--output", folder]);
        Assert.Equal(0, code);
        RootCommand root = Root();
        string[] expected = ["tunnelmesh.1", .. CommandTree.All(root).Select(c => $"tunnelmesh-{c.Path.Replace(' ', '-')}.1")];
        Assert.Contains($"{expected.Length} pages", output, StringComparison.Ordinal);
        Assert.Equal(expected.Order(), Directory.GetFiles(folder).Select(f => Path.GetFileName(f)).Order());
        foreach ((string path, Command command) in CommandTree.All(root))
        {
            string page = await File.ReadAllTextAsync(Path.Combine(folder, $"tunnelmesh-{path.Replace(' ', '-')}.1"), TestContext.Current.CancellationToken);
            Assert.All(CommandTree.Flags(command, root), o => Assert.Contains(o.Name.Replace("-", "\\-", StringComparison.Ordinal), page, StringComparison.Ordinal));
            Assert.All(Examples.Of(path), e => Assert.Contains(e.Line.Replace("-", "\\-", StringComparison.Ordinal), page, StringComparison.Ordinal));
            // Nothing but requests of man(7) at the begin of a line.
            Assert.All(page.Split('\n').Where(l => l.StartsWith('.')), l => Assert.Matches("^\\.(TH|SH|TP|PP|RS|RE|nf|fi|B|BR|RI)( |$)", l));
            Assert.DoesNotContain(page.Split('\n'), l => l.StartsWith('\''));
        }
        (code, _, string error) = await _cli.RunAsync(["man", "--output", Path.Combine(folder, "tunnelmesh.1")]);
        Assert.Equal(3, code);
        Assert.Contains("is a file", error, StringComparison.Ordinal);
    }

    // What prints nothing that a program would read: it does something, or passes on what others say or what is a file.
    private static readonly HashSet<string> WithoutJson =
    [
        "join", "init", "leave", "cleanup", "version", "completion", "man", "trust-ca", "context create", "context use", "context delete", "exit open", "exit close",
        "service install", "service uninstall", "service start", "service stop", "service restart", "service status", "service logs",
    ];

    [Fact]
    public void Every_command_that_lists_something_can_do_so_as_JSON()
    {
        string[] without = [.. CommandTree.All(Root()).Where(c => c.Command.Subcommands.Count == 0 && !c.Command.Hidden && !c.Command.Options.Any(o => o.Name == "--json")).Select(c => c.Path)];
        Assert.Equal(WithoutJson.Order(), without.Order());
    }

    [Theory]
    [InlineData("", "join init status")]
    [InlineData("to", "token")]
    [InlineData("token ", "list create revoke")]
    [InlineData("token c", "create")]
    [InlineData("status --j", "--json")]
    [InlineData("status --json --j", "")]
    [InlineData("--log-level ", "trace debug info warn error")]
    [InlineData("status --log-level d", "debug")]
    [InlineData("status --log-level=d", "--log-level=debug")]
    [InlineData("status --log-level=", "--log-level=trace --log-level=debug --log-level=info --log-level=warn --log-level=error")]
    [InlineData("status --json=", "")]
    [InlineData("token --quack=", "")]
    [InlineData("status --log-level=info --c", "--context --config")]
    [InlineData("join --exit", "--exit-node")]
    [InlineData("join --wire", "")]
    [InlineData("service logs --user --fo", "--follow")]
    [InlineData("service logs --user alice --fo", "--follow")]
    [InlineData("filter add --action ", "allow deny")]
    [InlineData("filter remove --action=d", "--action=deny")]
    [InlineData("filter add --protocol ", "tcp udp icmp any")]
    [InlineData("completion ", "bash zsh fish powershell")]
    [InlineData("quack ", "")]
    public async Task Words_are_completed(string line, string expected)
    {
        string[] words = line.Split(' ');
        foreach (string[] asked in new[] { words, words[^1].Length == 0 ? words[..^1] : words })
        {
            (int code, string output, string error) = await _cli.RunAsync(["__complete", $"{words.Length}", .. asked]);
            Assert.Equal((0, ""), (code, error));
            string[] found = [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('\t')[0])];
            string[] wanted = expected.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(wanted.Order(), found.Where(f => wanted.Length == 0 || line.Length > 0 || wanted.Contains(f)).Order());
        }
    }

    [Theory]
    [InlineData("ping n", CompletedNames.Devices, null)]
    [InlineData("ping nas ", CompletedNames.None, null)]
    [InlineData("doctor --context work ", CompletedNames.Devices, "work")]
    [InlineData("transport nas --with ", CompletedNames.Devices, null)]
    [InlineData("transport nas --with=", CompletedNames.Devices, null)]
    [InlineData("revoke ", CompletedNames.Devices, null)]
    [InlineData("revoke --user ", CompletedNames.Devices, null)]
    [InlineData("token revoke ", CompletedNames.Tokens, null)]
    [InlineData("join --exit-node ", CompletedNames.ExitPeers, null)]
    [InlineData("join host:1 --exit-peer=", CompletedNames.ExitPeers, null)]
    [InlineData("group create ", CompletedNames.None, null)]
    [InlineData("group delete o", CompletedNames.MadeGroups, null)]
    [InlineData("group members ", CompletedNames.Groups, null)]
    [InlineData("group members --context work ", CompletedNames.Groups, "work")]
    [InlineData("group add-member ", CompletedNames.MadeGroups, null)]
    [InlineData("group remove-member ", CompletedNames.MadeGroups, null)]
    [InlineData("group add-member ops l", CompletedNames.Devices, null)]
    [InlineData("filter add --source-peer ", CompletedNames.Devices | CompletedNames.GroupSources, null)]
    [InlineData("filter remove --source-peer=group:", CompletedNames.Devices | CompletedNames.GroupSources, null)]
    [InlineData("filter add --port ", CompletedNames.None, null)]
    [InlineData("init --output ", CompletedNames.None, null)]
    public void Names_of_the_mesh_are_asked_for_where_one_belongs(string line, object wanted, string? which)
    {
        Completion.Find(Root(), line.Split(' '), out CompletedNames names, out string? context);
        Assert.Equal((wanted, which), ((object)names, context));
    }

    [Theory]
    [InlineData("revoke ", "laptop nas")]
    [InlineData("join --exit-node ", "nas")]
    [InlineData("join --exit-peer=n", "--exit-peer=nas")]
    [InlineData("join --exit-node l", "")]
    [InlineData("token revoke ", "2")]
    public async Task Devices_and_tokens_are_those_that_the_running_peer_knows(string line, string expected)
    {
        await using LocalApiServer server = LocalApiServer.Start(Names.Make(), Path.Combine(_cli.Home, "default.sock"), TimeProvider.System);
        string[] words = line.Split(' ');
        (int code, string output, string error) = await _cli.RunAsync(["__complete", $"{words.Length}", .. words]);
        Assert.Equal((0, ""), (code, error));
        Assert.Equal(expected, string.Join(' ', output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('\t')[0]).Order(StringComparer.Ordinal)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("99999999999")]
    [InlineData("1 \u001b[2J")]
    [InlineData("3 ping --context ../../x ")]
    public async Task Nothing_that_a_shell_may_ask_fails(string line)
    {
        (int code, _, string error) = await _cli.RunAsync(["__complete", .. line.Split(' ')]);
        Assert.Equal((0, ""), (code, error));
    }

    [Theory]
    [InlineData("tunnelmesh tok", "token")]
    [InlineData("tunnelmesh token revoke --rev", "--revoke-peers")]
    [InlineData("tunnelmesh --log-level=de", "debug")]
    [InlineData("tunnelmesh completion --log-level=debug po", "powershell")]
    [InlineData("tunnelmesh status --log-level=inf", "info")]
    [InlineData("tunnelmesh status --log-level=", "debug error info trace warn")]
    [InlineData("tunnelmesh filter add --source-peer group:ops --act", "--action")]
    public async Task Bash_completes_through_its_script(string line, string expected)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/bin/bash"), "needs bash");
        string script = (await _cli.RunAsync(["completion", "bash"])).Output;
        // As readline splits it: "=" and ":" are words.
        string[] words = line.Replace("=", " = ", StringComparison.Ordinal).Replace(":", " : ", StringComparison.Ordinal).TrimEnd().Split(' ');
        ProcessStartInfo start = new("/bin/bash") { RedirectStandardOutput = true, ArgumentList = { "--norc", "-c", $"{script}\nCOMP_CWORD={words.Length - 1}; COMP_WORDS=(\"$@\"); COMP_WORDS[0]=$0; _tunnelmesh; printf '%s\\n' \"${{COMPREPLY[@]}}\"", Path.Combine(AppContext.BaseDirectory, "tunnelmesh") } };
        foreach (string word in words)
        {
            start.ArgumentList.Add(word);
        }
        using Process bash = Process.Start(start)!;
        Assert.Equal(expected.Split(' '), (await bash.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)).Trim().Split('\n').Order());
    }

    [Fact]
    public async Task Every_shell_has_its_script()
    {
        foreach (string shell in new[] { "bash", "zsh", "fish", "powershell" })
        {
            (int code, string output, _) = await _cli.RunAsync(["completion", shell]);
            Assert.Equal(0, code);
            Assert.Contains("__complete", output, StringComparison.Ordinal);
        }
        Assert.Equal(2, (await _cli.RunAsync(["completion", "csh"])).Code);
    }

    /// <summary>Knows two devices, one of which lets traffic out, and two tokens, one of which is valid.</summary>
    public class Names : DispatchProxy
    {
        internal static ILocalApiHandler Make() => Create<ILocalApiHandler, Names>();

        /// <inheritdoc/>
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => targetMethod!.Name switch
        {
            nameof(ILocalApiHandler.GetPeers) => new[] { Device("nas", true), Device("laptop", false) },
            nameof(ILocalApiHandler.TokensAsync) => Task.FromResult<IReadOnlyList<TokenReport>>([Token(1, "revoked"), Token(2, "valid")]),
            string other => throw new InvalidOperationException(other),
        };

        private static PeerReport Device(string name, bool exit) =>
            new() { Name = name, PeerId = "", DeviceId = name, MeshIp = "10.42.0.9", MeshIp6 = "", Online = true, AllowsExit = exit, Path = "udp" };

        private static TokenReport Token(long id, string state) =>
            new() { Id = id, State = state, Given = false, Admitted = 1, Uses = null, Added = DateTimeOffset.UnixEpoch, Expires = null };
    }
}
