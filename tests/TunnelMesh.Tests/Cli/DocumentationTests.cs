using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using TunnelMesh.Cli;
using TunnelMesh.Cli.Commands;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Contexts;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Diagnosis;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Tests.Cli;

public sealed class DocumentationTests
{
    private static readonly string Text = File.ReadAllText(Path.Combine(Root(), "docs", "cli.md"));

    internal static string Root()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "TunnelMesh.slnx")))
        {
            folder = folder.Parent;
        }
        return folder?.FullName ?? throw new InvalidOperationException("no TunnelMesh.slnx above the tests");
    }

    private static string Section(string title)
    {
        int begin = Text.IndexOf($"\n## {title}\n", StringComparison.Ordinal);
        Assert.True(begin >= 0, $"docs/cli.md has no section `{title}`");
        int end = Text.IndexOf("\n## ", begin + 1, StringComparison.Ordinal);
        return Text[begin..(end < 0 ? Text.Length : end)];
    }

    private static string[][] Rows(string section) =>
        [.. Section(section).Split('\n').Where(l => l.StartsWith("| ", StringComparison.Ordinal)).Select(l => l.Trim('|').Split('|', StringSplitOptions.TrimEntries))];

    [Fact]
    public void Exit_codes_are_those_of_the_program() =>
        Assert.Equal(Enum.GetValues<ExitCode>().Select(c => $"{(int)c} {c}"), Rows("Exit codes").Skip(1).Select(r => $"{r[0]} {r[1]}"));

    [Fact]
    public void Configuration_keys_are_those_of_the_program_with_their_defaults() =>
        Assert.Equal(
            ConfigKeys.All.Select(k => $"`{k.Path}` {k.Derived ?? $"`{k.Default}`"}{(k.Supported ? "" : " (*later*)")}"),
            Rows("Configuration keys").Skip(1).Select(r => $"{r[0]} {r[1]}"));

    // The part of a command: from the heading that names it to the next.
    private static string Part(string path)
    {
        string[] parts = [.. Section("Commands").Split("\n### ").Skip(1).Where(p => Usages(p).Any(u => u == path || u.StartsWith(path + " ", StringComparison.Ordinal)))];
        return Assert.Single(parts);
    }

    // The code spans of a heading, one a command.
    private static IEnumerable<string> Usages(string part) => part.Split('\n')[0].Split('`').Where((_, i) => i % 2 == 1);

    [Fact]
    public void Every_command_and_every_flag_is_described_under_its_own_heading()
    {
        using CommandLine cli = new();
        RootCommand root = Program.Root(cli.Context());
        foreach ((string path, Command command) in CommandTree.All(root).Where(c => c.Command.Subcommands.Count == 0))
        {
            string part = Part(path);
            foreach (string name in command.Options.Where(o => !o.Hidden && o.Name is not ("--help" or "--context")).SelectMany(o => o.Aliases.Prepend(o.Name)))
            {
                Assert.True(Regex.IsMatch(part, $@"(?<![\w-]){Regex.Escape(name)}(?![\w-])"), $"docs/cli.md does not describe {path} {name}");
            }
            string usage = Usages(part).First(u => u == path || u.StartsWith(path + " ", StringComparison.Ordinal));
            Assert.All(command.Arguments, a => Assert.Contains(a.Name.ToUpperInvariant(), usage, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void No_flag_is_described_that_its_command_does_not_have()
    {
        using CommandLine cli = new();
        RootCommand root = Program.Root(cli.Context());
        Dictionary<string, Command> commands = CommandTree.All(root).ToDictionary(c => c.Path, c => c.Command);
        foreach (string usage in Section("Commands").Split("\n### ").Skip(1).SelectMany(Usages))
        {
            string path = string.Join(' ', usage.Split(' ').TakeWhile(w => char.IsAsciiLetterLower(w[0])));
            Command command = commands[path];
            foreach (Match flag in Regex.Matches(usage, @"(?<![\w-])--?[a-z][\w-]*"))
            {
                Assert.Contains(flag.Value, command.Options.SelectMany(o => o.Aliases.Prepend(o.Name)));
            }
        }
    }

    [Fact]
    public void Every_global_flag_is_described()
    {
        using CommandLine cli = new();
        string table = Text[..Text.IndexOf("## Commands", StringComparison.Ordinal)];
        foreach (string name in Program.Root(cli.Context()).Options.Where(o => o.Recursive && o.Name != "--help").SelectMany(o => o.Aliases.Prepend(o.Name)))
        {
            Assert.Contains($"`{name}", table, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_command_line_in_the_documentation_is_one_of_the_program()
    {
        using CommandLine cli = new();
        RootCommand root = Program.Root(cli.Context());
        string[] files = [Path.Combine(Root(), "README.md"), .. Directory.GetFiles(Path.Combine(Root(), "docs"), "*.md")];
        int seen = 0;
        foreach (string line in files.SelectMany(CommandLines))
        {
            // Up to a remark, a redirection or the next command.
            string command = line.Split(" #")[0].Split(" >")[0].Split(" |")[0].Split(" &&")[0]["tunnelmesh ".Length..].Trim();
            Assert.True(UsageText.Describe(root.Parse(command)) is null, line);
            seen++;
        }
        Assert.True(seen > 0);
    }

    // In blocks that are indented, and in those of a shell between fences.
    private static IEnumerable<string> CommandLines(string file)
    {
        bool shell = false;
        foreach (string line in File.ReadLines(file))
        {
            shell = line.StartsWith("```", StringComparison.Ordinal) ? !shell && line.StartsWith("```sh", StringComparison.Ordinal) : shell;
            if (line.StartsWith(shell ? "tunnelmesh " : "    tunnelmesh ", StringComparison.Ordinal))
            {
                yield return line.Trim();
            }
        }
    }

    [Fact]
    public void The_readme_names_every_document()
    {
        string readme = File.ReadAllText(Path.Combine(Root(), "README.md"));
        Assert.All(Directory.GetFiles(Path.Combine(Root(), "docs"), "*.md").Select(f => $"docs/{Path.GetFileName(f)}"), d => Assert.Contains($"[{d}]({d})", readme, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_cause_of_the_doctor_is_described()
    {
        string section = Section("JSON");
        Assert.All(Enum.GetValues<DiagnosisCause>(), cause => Assert.Contains($"`{JsonNamingPolicy.SnakeCaseLower.ConvertName(cause.ToString())}`", section, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_word_that_counters_of_status_have_is_described()
    {
        Assert.Equal(Snake<HandshakeResult>(), Words("dataplane", "handshakes"));
        Assert.Equal(Snake<DropReason>(), Words("dataplane", "drops"));
        Assert.Equal(PeerDns.DropsOf(default).Keys, Words("dns", "drops"));

        static IEnumerable<string> Snake<T>() where T : struct, Enum => Enum.GetValues<T>().Select(v => JsonNamingPolicy.SnakeCaseLower.ConvertName(v.ToString()));

        // Of the table that has a row for each.
        static IEnumerable<string> Words(string part, string field)
        {
            string title = $"| word in `{part}.{field}` | |";
            return Section("JSON").Split('\n').SkipWhile(l => l != title).Skip(2).TakeWhile(l => l.StartsWith("| `", StringComparison.Ordinal)).Select(l => l.Split('`')[1]);
        }
    }

    [Fact]
    public void Every_JSON_field_is_described()
    {
        JsonTypeInfo[] types =
        [
            LocalApiJson.Default.StatusReport, LocalApiJson.Default.CoordinatorReport, LocalApiJson.Default.TunReport, LocalApiJson.Default.DataPlaneReport,
            LocalApiJson.Default.RuntimeReport, LocalApiJson.Default.DnsReport,
            LocalApiJson.Default.PeerReport, LocalApiJson.Default.ResolveReport, LocalApiJson.Default.RevokeReport,
            LocalApiJson.Default.TokenReport, LocalApiJson.Default.NewTokenReport, LocalApiJson.Default.TokenRevokeReport, LocalApiJson.Default.TransportReport, LocalApiJson.Default.RelayReport,
            LocalApiJson.Default.GroupReport, LocalApiJson.Default.GroupMemberReport, LocalApiJson.Default.GroupChangeReport,
            LocalApiJson.Default.PingReport, LocalApiJson.Default.PingSummary,
            LocalApiJson.Default.NetCheckReport, LocalApiJson.Default.NetCheckFamily, LocalApiJson.Default.StunServerReport, LocalApiJson.Default.PortMappingReport,
            LocalApiJson.Default.DiagnosisReport, LocalApiJson.Default.PathReport,
            LocalApiJson.Default.ExitReport, LocalApiJson.Default.FilterReport, LocalApiJson.Default.FilterRuleReport, LocalApiJson.Default.FilteredReport,
            ContextJson.Default.ContextReport,
        ];
        string section = Section("JSON");
        Assert.All(types.SelectMany(t => t.Properties).Select(p => p.Name), name => Assert.Contains($"`{name}`", section, StringComparison.Ordinal));
    }
}
