namespace TunnelMesh.Cli.Configuration;

/// <summary>Optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours count one each.</summary>
internal static class EditDistance
{
    /// <summary>Distance of two short strings, without case.</summary>
    public static int Between(string a, string b)
    {
        int[,] d = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    d[i, j] = i + j;
                    continue;
                }
                int cost = Same(a[i - 1], b[j - 1]) ? 0 : 1;
                d[i, j] = Math.Min(Math.Min(d[i - 1, j] + 1, d[i, j - 1] + 1), d[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && Same(a[i - 1], b[j - 2]) && Same(a[i - 2], b[j - 1]))
                {
                    d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
                }
            }
        }
        return d[a.Length, b.Length];
    }

    /// <summary>The nearest of <paramref name="candidates"/>; the first of equally near ones.</summary>
    public static string Nearest(string text, IEnumerable<string> candidates) =>
        candidates.MinBy(c => Between(text.Length > 200 ? text[..200] : text, c)) ?? "";

    /// <summary>A question whether the nearest of <paramref name="candidates"/> was meant, with a space before it; empty when none is near: what shares too little with anything is no misspelling, and neither is what is written as it should be.</summary>
    public static string Hint(string text, IEnumerable<string> candidates)
    {
        // What differs too much in length alone is not compared: there may be thousands.
        string nearest = Nearest(text, candidates.Where(c => c != text && Math.Abs(c.Length - text.Length) <= Tolerance(c)));
        return nearest.Length > 0 && Between(text, nearest) <= Tolerance(nearest) ? $" Did you mean `{nearest}`?" : "";
    }

    private static int Tolerance(string candidate) => Math.Max(1, candidate.TrimStart('-').Length / 2);

    private static bool Same(char a, char b) => char.ToLowerInvariant(a) == char.ToLowerInvariant(b);
}
