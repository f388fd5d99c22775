using TunnelMesh.Cli.Commands;

namespace TunnelMesh.Tests.Cli;

public sealed class HumanTableTests
{
    [Fact]
    public void Columns_line_up_and_no_line_ends_in_blanks()
    {
        using StringWriter output = new() { NewLine = "\n" };
        HumanTable.Print(["NAME", "[X]", "PATH"], [["a", "1", ""], ["longer", "[red]22[/]", "udp"]], output);
        Assert.Equal("NAME    [X]         PATH\na       1\nlonger  [red]22[/]  udp\n", output.ToString());
    }

    [Fact]
    public void Without_rows_the_titles_are_shown()
    {
        using StringWriter output = new() { NewLine = "\n" };
        HumanTable.Print(["ID", "STATE"], [], output);
        Assert.Equal("ID  STATE\n", output.ToString());
    }
}
