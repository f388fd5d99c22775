namespace TunnelMesh.Tests.Cli;

public sealed class LogGuideTests
{
    private static readonly string File = Path.Combine(DocumentationTests.Root(), "docs", "logs.md");

    [Fact]
    public void It_is_what_the_messages_say()
    {
        string text = LogGuide.Write();
        if (Environment.GetEnvironmentVariable("TUNNELMESH_WRITE_DOCS") == "1")
        {
            System.IO.File.WriteAllText(File, text);
        }
        Assert.True(System.IO.File.ReadAllText(File) == text, "docs/logs.md is not what the messages say: run `make docs`.");
    }

    [Fact]
    public void No_two_messages_have_one_id() =>
        Assert.All(LogGuide.Messages.GroupBy(m => m.EventId), g => Assert.True(g.Count() == 1, $"TM{g.Key:D3}: {string.Join("; ", g.Select(m => m.Message))}"));

    [Fact]
    public void Every_message_has_one() => Assert.All(LogGuide.Messages, m => Assert.InRange(m.EventId, 1, 698));
}
