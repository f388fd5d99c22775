using System.Text.RegularExpressions;

namespace TunnelMesh.Cli.BugReports;

/// <summary>
/// Finds what stands behind a name that says it is secret: behind <c>password=</c>, <c>api-key:</c>, <c>Authorization:</c> and the like. A secret may have spaces in it, so it goes to its closing quote, and
/// without quotes to the end of the line. Pure.
/// </summary>
internal static partial class NamedSecrets
{
    // What may stand behind a closing quote; before anything else it is a character of the secret.
    private const string Behind = ",;:)]}>/&|\\`'\"";

    /// <summary>Where such values are, in order and apart from each other.</summary>
    /// <param name="text">Lines of any kind: logs, headers, JSON, YAML, variables, command lines.</param>
    public static IEnumerable<Range> Find(string text)
    {
        for (int line = 0, end; line < text.Length; line = end + 1)
        {
            end = text.IndexOf('\n', line);
            end = end < 0 ? text.Length : end;
            int counted = line;
            bool open = false;
            for (Match name = Name().Match(text, line, end - line); name.Success;)
            {
                int word = Word(text, name.Index, line), next = name.Index + 1;
                if (name.Groups["sign"].Length > 0 || text.AsSpan(word, name.Index - word).StartsWith("--"))
                {
                    for (; counted < name.Index; counted++)
                    {
                        open ^= text[counted] == '"' && Slashes(text, counted, line) % 2 == 0;
                    }
                    Range value = ValueOf(text, name, word, line, text[end - 1] == '\r' ? end - 1 : end, open);
                    next = Math.Max(value.End.Value, name.Index + name.Length);
                    if (!string.IsNullOrWhiteSpace(text[value]))
                    {
                        yield return value;
                    }
                }
                name = Name().Match(text, next, end - next);
            }
        }
    }

    private static Range ValueOf(string text, Match name, int word, int line, int end, bool open)
    {
        int from = Math.Min(name.Index + name.Length, end);
        if (Quote().Match(text, from, end - from) is { Success: true } quote)
        {
            from += quote.Length;
            return from..Closing(text, quote.Value, from, end);
        }
        if (name.Groups["quote"].Length > 0)
        {
            // JSON: a list or an object, whose end is not looked for; a number, or a word without quotes.
            if (text.AsSpan(from, end - from).TrimStart() is ['[' or '{', ..])
            {
                return from..end;
            }
            int mark = text.AsSpan(from, end - from).IndexOfAny(',', '}', ']');
            return from..(mark < 0 ? end : from + mark);
        }
        if (word > line && text[word - 1] is '"' or '\'' or '`')
        {
            return from..Closing(text, text[(word - 1 - Slashes(text, word - 1, line))..word], from, end);
        }
        return from..(open ? Closing(text, "\"", from, end) : end);
    }

    // The end of the line when there is none.
    private static int Closing(string text, string quote, int from, int end)
    {
        for (int at = from; (at = text.IndexOf(quote, at, end - at, StringComparison.Ordinal)) >= 0; at++)
        {
            int behind = at + quote.Length, slashes = Slashes(text, at, from);
            bool escaped = quote.Length > 1 ? slashes > 0 : slashes % 2 == 1;
            if (!escaped && (behind == end || char.IsWhiteSpace(text[behind]) || Behind.Contains(text[behind], StringComparison.Ordinal)))
            {
                return at;
            }
        }
        return end;
    }

    // Backslashes before a place.
    private static int Slashes(string text, int at, int from)
    {
        int slashes = 0;
        while (at - slashes > from && text[at - slashes - 1] == '\\')
        {
            slashes++;
        }
        return slashes;
    }

    // Where the name begins that has the word in it.
    private static int Word(string text, int at, int from)
    {
        while (at > from && (char.IsAsciiLetterOrDigit(text[at - 1]) || text[at - 1] is '_' or '-' or '.'))
        {
            at--;
        }
        return at;
    }

    // Tokens have numbers in the log, and those stay. A flag of a command line and its value may have no more than a space between them.
    [GeneratedRegex("""
        (?!(?<![\w-])token=\d{1,9}(?!\S))
        (?:password|passwd|passphrase|secret|credential|token|authorization|(?:api|access|private)[_\ -]?key
            |(?<![A-Za-z])(?:pass|pwd)(?=["'`\\]*[\ \t]*[=:])|(?<![\w-])(?:set-|http_)?cookie(?![\w-]))
        [\w.-]{0,64}(?<quote>\\{0,9}["'`])?(?:[\ \t]*(?<sign>[=:]+>?)|[\ \t])[\ \t]*
        """, RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Name();

    [GeneratedRegex("""\G\\{0,9}["'`]""", RegexOptions.CultureInvariant)]
    private static partial Regex Quote();
}
