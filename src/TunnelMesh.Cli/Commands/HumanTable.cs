namespace TunnelMesh.Cli.Commands;

/// <summary>A table for people: no borders, no colours, and one line a row, however wide the terminal is.</summary>
internal static class HumanTable
{
    private const string Between = "  ";

    /// <summary>Prints it; each column is as wide as its widest cell.</summary>
    /// <param name="titles">Of the columns.</param>
    /// <param name="rows">Plain text, a cell a column.</param>
    /// <param name="output">Where to.</param>
    public static void Print(IEnumerable<string> titles, IEnumerable<string[]> rows, TextWriter output)
    {
        string[][] lines = [[.. titles], .. rows];
        int[] widths = [.. lines[0].Select((_, column) => lines.Max(line => line[column].Length))];
        foreach (string[] line in lines)
        {
            output.WriteLine(string.Join(Between, line.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
        }
    }
}
