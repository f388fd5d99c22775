using System.Globalization;

namespace TunnelMesh.SystemTests.Guides;

/// <summary>
/// What can be run of a document. A fenced block whose first line is <c>```sh run MACHINE</c> is run there to its end; <c>background</c> behind it has it go on, <c>code=N</c> names the code it
/// ends with. <c>&lt;!-- interrupt MACHINE --&gt;</c> is Ctrl-C there, and <c>&lt;!-- mesh: HUB OTHER... --&gt;</c> says that the machines are members of a mesh before the first block.
/// </summary>
internal sealed class Guide
{
    private const string Fence = "```", Run = Fence + "sh run ", Mesh = "<!-- mesh: ", Interrupt = "<!-- interrupt ", End = " -->";

    private Guide(IReadOnlyList<GuideBlock> blocks, IReadOnlyList<string> members) => (Blocks, Members) = (blocks, members);

    /// <summary>In order.</summary>
    public IReadOnlyList<GuideBlock> Blocks { get; }

    /// <summary>Machines that are members when the guide begins, the coordinator first; none when it makes its mesh itself.</summary>
    public IReadOnlyList<string> Members { get; }

    /// <summary>Every machine it needs.</summary>
    public IEnumerable<string> Machines => Members.Concat(Blocks.Select(b => b.Machine)).Distinct();

    public static Guide Parse(string text)
    {
        List<GuideBlock> blocks = [];
        string[] members = [], lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].StartsWith(Mesh, StringComparison.Ordinal))
            {
                members = lines[i][Mesh.Length..^End.Length].Split(' ');
            }
            else if (lines[i].StartsWith(Interrupt, StringComparison.Ordinal))
            {
                blocks.Add(new GuideBlock(i + 1, lines[i][Interrupt.Length..^End.Length], "") { Interrupt = true });
            }
            else if (lines[i].StartsWith(Run, StringComparison.Ordinal))
            {
                string[] words = lines[i][Run.Length..].Split(' ');
                int end = Array.IndexOf(lines, Fence, i);
                Assert.True(end > i, $"line {i + 1}: the block does not end");
                GuideBlock block = new(i + 1, words[0], string.Join('\n', lines[(i + 1)..end]));
                foreach (string word in words[1..])
                {
                    block = word == "background" ? block with { Background = true }
                        : word.StartsWith("code=", StringComparison.Ordinal) ? block with { Code = int.Parse(word[5..], CultureInfo.InvariantCulture) }
                        : throw new FormatException($"line {i + 1}: `{word}` means nothing");
                }
                blocks.Add(block);
                i = end;
            }
        }
        return new Guide(blocks, members);
    }
}
