using System.Globalization;

namespace TunnelMesh.Protocol.Control;

/// <summary>Text of others on its way to a terminal or a log: nothing in it may steer either. Pure.</summary>
public static class PlainText
{
    /// <summary>One line of bounded length: whatever steers (control and format characters, line and paragraph separators) becomes a space.</summary>
    /// <param name="text">From anywhere.</param>
    /// <param name="maxLength">Longest result, in characters; what is longer is cut and ends with an ellipsis.</param>
    public static string Line(string text, int maxLength)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, 1);
        bool cut = text.Length > maxLength;
        if (!cut && IsPlain(text))
        {
            return text;
        }
        return string.Create(Math.Min(text.Length, maxLength), (text, cut), static (line, given) =>
        {
            for (int i = 0; i < line.Length; i++)
            {
                line[i] = Steers(given.text[i]) ? ' ' : given.text[i];
            }
            if (given.cut)
            {
                line[^1] = '…';
            }
        });
    }

    /// <summary>True when nothing in the text steers a terminal.</summary>
    public static bool IsPlain(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return !text.Any(Steers);
    }

    private static bool Steers(char c) => char.GetUnicodeCategory(c) is
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
