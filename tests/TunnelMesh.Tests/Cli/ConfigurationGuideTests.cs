using System.Text.RegularExpressions;
using TunnelMesh.Cli.Configuration;

namespace TunnelMesh.Tests.Cli;

public sealed class ConfigurationGuideTests
{
    private static readonly string File = Path.Combine(DocumentationTests.Root(), "docs", "configuration.md");

    [Fact]
    public void It_is_what_the_table_of_the_keys_says()
    {
        string text = ConfigurationGuide.Write();
        if (Environment.GetEnvironmentVariable("TUNNELMESH_WRITE_DOCS") == "1")
        {
            System.IO.File.WriteAllText(File, text);
        }
        Assert.True(System.IO.File.ReadAllText(File) == text, "docs/configuration.md is not what the keys say: run `make docs`.");
    }

    [Fact]
    public void It_has_every_key() =>
        Assert.All(ConfigKeys.All, k => Assert.Contains($"| `{k.Path}` |", ConfigurationGuide.Write(), StringComparison.Ordinal));

    [Fact]
    public void Every_example_in_the_documentation_is_a_configuration()
    {
        int seen = 0;
        foreach (string document in Directory.GetFiles(Path.Combine(DocumentationTests.Root(), "docs"), "*.md"))
        {
            foreach (Match example in Regex.Matches(System.IO.File.ReadAllText(document), @"^```yaml\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline))
            {
                Assert.NotNull(ConfigReader.Read(example.Groups[1].Value, $"{Path.GetFileName(document)}, example {++seen}"));
            }
        }
        Assert.True(seen > 0);
    }
}
