using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using TunnelMesh.Cli;
using TunnelMesh.Cli.Commands;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.Diagnosis;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Tests.Cli;

public sealed class DocumentationTests
{
    private static readonly string Text = File.ReadAllText(Path.Combine(Root(), "docs", "cli.md"));

    private static string Root()
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

    [Fact]
    public void Every_command_and_every_flag_is_described()
    {
        using CommandLine cli = new();
        ProcessEnvironment environment = new() { UserHome = cli.Home, Home = cli.Home };
        CommandContext context = new(environment, new HomeLayout(environment, isRoot: false));
        foreach (Command command in Program.Commands(context).SelectMany(c => c.Subcommands.Prepend(c)))
        {
            string verb = string.Join(' ', command.Parents.Select(p => p.Name + " ").Append(command.Name)).Replace("  ", " ", StringComparison.Ordinal);
            Assert.Contains($"`{verb}", Section("Commands"), StringComparison.Ordinal);
            foreach (string name in command.Options.SelectMany(o => o.Aliases.Prepend(o.Name)).Concat([context.Config.Name, context.Level.Name]))
            {
                Assert.True(Text.Contains($"`{name}", StringComparison.Ordinal) || Text.Contains($"[{name}", StringComparison.Ordinal) || Section("Commands").Contains($" {name} ", StringComparison.Ordinal), $"{command.Name} {name}");
            }
        }
    }

    [Fact]
    public void Every_cause_of_the_doctor_is_described()
    {
        string section = Section("JSON");
        Assert.All(Enum.GetValues<DiagnosisCause>(), cause => Assert.Contains($"`{JsonNamingPolicy.SnakeCaseLower.ConvertName(cause.ToString())}`", section, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_JSON_field_is_described()
    {
        JsonTypeInfo[] types =
        [
            LocalApiJson.Default.StatusReport, LocalApiJson.Default.CoordinatorReport, LocalApiJson.Default.TunReport, LocalApiJson.Default.DataPlaneReport,
            LocalApiJson.Default.RuntimeReport, LocalApiJson.Default.DnsReport,
            LocalApiJson.Default.PeerReport, LocalApiJson.Default.ResolveReport, LocalApiJson.Default.RevokeReport,
            LocalApiJson.Default.TokenReport, LocalApiJson.Default.TransportReport, LocalApiJson.Default.RelayReport,
            LocalApiJson.Default.PingReport, LocalApiJson.Default.PingSummary,
            LocalApiJson.Default.NetCheckReport, LocalApiJson.Default.NetCheckFamily, LocalApiJson.Default.StunServerReport, LocalApiJson.Default.PortMappingReport,
            LocalApiJson.Default.DiagnosisReport, LocalApiJson.Default.PathReport,
            LocalApiJson.Default.FilterReport, LocalApiJson.Default.FilterRuleReport, LocalApiJson.Default.FilteredReport,
        ];
        string section = Section("JSON");
        Assert.All(types.SelectMany(t => t.Properties).Select(p => p.Name), name => Assert.Contains($"`{name}`", section, StringComparison.Ordinal));
    }
}
