using Spectre.Console;

namespace TunnelMesh.Cli.Commands;

/// <summary>A table for people: no borders, and one line a row.</summary>
internal static class HumanTable
{
    // Nobody folds lines in a pipe.
    private const int PipeWidth = 1000;

    /// <summary>Prints it; into a pipe the lines are as long as they need to be.</summary>
    /// <param name="titles">Of the columns.</param>
    /// <param name="rows">Plain text, a cell a column.</param>
    /// <param name="output">Where to.</param>
    public static void Print(IEnumerable<string> titles, IEnumerable<string[]> rows, TextWriter output)
    {
        Table table = new Table().Border(TableBorder.None);
        foreach (string title in titles)
        {
            table.AddColumn(new TableColumn(title) { NoWrap = true, Padding = new Padding(0, 0, 2, 0) });
        }
        foreach (string[] row in rows)
        {
            table.AddRow([.. row.Select(Markup.Escape)]);
        }
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        if (Console.IsOutputRedirected || output != Console.Out)
        {
            console.Profile.Width = PipeWidth;
        }
        console.Write(table);
    }
}
