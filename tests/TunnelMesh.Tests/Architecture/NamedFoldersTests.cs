using System.Text.RegularExpressions;
using TunnelMesh.Tests.Cli;

namespace TunnelMesh.Tests.Architecture;

/// <summary>docs/architecture.md names folders, decisions and types; it is of no use once they have moved.</summary>
public sealed class NamedFoldersTests
{
    private static readonly string Root = DocumentationTests.Root();
    private static readonly string Text = File.ReadAllText(Path.Combine(Root, "docs", "architecture.md"));

    [Fact]
    public void Folders_that_are_named_exist_and_those_that_are_planned_do_not()
    {
        string[] named = [.. Matches(@"\b(?:Protocol|Platform|Node|Coordinator|Cli)(?:/[A-Z]\w*)+")];
        Assert.True(named.Length > 40, $"only {named.Length} folders were found in docs/architecture.md");
        Assert.All(named, f => Assert.True(Directory.Exists(Path.Combine(Root, "src", $"TunnelMesh.{f}")), $"docs/architecture.md names {f}, which is not there"));
        Assert.All(Matches(@"\b(?:tests|scripts|deploy|docs)/[\w./-]*\w"), f => Assert.True(Path.Exists(Path.Combine(Root, f)), $"docs/architecture.md names {f}, which is not there"));
        Assert.False(Directory.Exists(Path.Combine(Root, "src", "TunnelMesh.Storage")), "docs/architecture.md calls TunnelMesh.Storage planned");
    }

    [Fact]
    public void Decisions_that_are_named_exist() =>
        Assert.All(Matches(@"decisions/\d{4}"), d => Assert.Single(Directory.GetFiles(Path.Combine(Root, "docs", "decisions"), $"{d.Split('/')[1]}-*.md")));

    [Fact]
    public void Types_that_are_named_exist()
    {
        string[] files = [.. Directory.GetFiles(Path.Combine(Root, "src"), "*.cs", SearchOption.AllDirectories).Select(f => Path.GetFileName(f).Split('.')[0]).Distinct()];
        // In code spans; single words there are folders of the coordinator.
        string[] named = [.. Matches("`(?:[A-Z][a-z0-9]+){2,}`").Select(t => t.Trim('`'))];
        Assert.Contains("ConnectionGate", named);
        Assert.All(named, t => Assert.Contains(t, files));
    }

    private static IEnumerable<string> Matches(string pattern) => Regex.Matches(Text, pattern).Select(m => m.Value).Distinct();
}
