using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace TunnelMesh.Cli.BugReports;

/// <summary>
/// Takes secrets out of text that is to be shown to others. What is known to be secret goes wherever it stands; beside that everything goes that is shaped like a secret,
/// unless it is known to be public: rather a number too few than a key too many. Not thread-safe.
/// </summary>
internal sealed partial class Redactor
{
    // A shorter one would be found in ordinary words.
    private const int ShortestSecret = 8;
    private readonly HashSet<string> _public = new(StringComparer.OrdinalIgnoreCase);
    private List<string> _secrets = [];

    /// <summary>Parts taken out so far.</summary>
    public int Count { get; private set; }

    /// <summary>This text is secret, and so is each line of it.</summary>
    public void Hide(string? secret) =>
        _secrets = [.. (secret ?? "").Split(['\n', '\r', ','], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Where(line => line.Length >= ShortestSecret && !line.StartsWith("-----", StringComparison.Ordinal)).Concat(_secrets).Distinct().OrderByDescending(s => s.Length)];

    /// <summary>This number is public, though it looks like a secret: the ID of a device.</summary>
    public void Show(string id) => _public.Add(id);

    /// <summary>The text without secrets.</summary>
    public string Clean(string text)
    {
        foreach (string secret in _secrets)
        {
            text = TakeOut(text, secret);
        }
        text = Replace(PrivateKey(), text, _ => "[private key left out]");
        text = Replace(UserInfo(), text, m => $"{m.Groups[1].Value}[left out]@");
        text = TakeOut(text, NamedSecrets.Find(text));
        text = Replace(Hexadecimal(), text, m => _public.Contains(m.Value) ? m.Value : Left(m));
        return Replace(Base64(), text, m => IsPath(m.Value) ? m.Value : Left(m));
    }

    private string TakeOut(string text, string secret)
    {
        StringBuilder left = new();
        int from = 0;
        for (int at; (at = text.IndexOf(secret, from, StringComparison.OrdinalIgnoreCase)) >= 0; from = at + secret.Length)
        {
            left.Append(text, from, at - from).Append(Counted("[secret left out]"));
        }
        return from == 0 ? text : left.Append(text, from, text.Length - from).ToString();
    }

    private string TakeOut(string text, IEnumerable<Range> values)
    {
        StringBuilder left = new();
        int from = 0;
        foreach (Range value in values)
        {
            left.Append(text, from, value.Start.Value - from).Append(Counted("[left out]"));
            from = value.End.Value;
        }
        return left.Append(text, from, text.Length - from).ToString();
    }

    private string Replace(Regex pattern, string text, MatchEvaluator by) => pattern.Replace(text, m =>
    {
        string with = by(m);
        return with == m.Value ? with : Counted(with);
    });

    private string Counted(string text)
    {
        Count++;
        return text;
    }

    private static string Left(Match m) => string.Create(CultureInfo.InvariantCulture, $"[{m.Length} characters left out]");

    // A key of 32 bytes has all kinds of characters in each twelve of them; folders hardly do.
    private static bool IsPath(string text) => !text.Any(char.IsAsciiDigit) || !text.Any(char.IsAsciiLetterUpper) || !text.Any(char.IsAsciiLetterLower);

    // To the end of the text when the end of the key is missing. A log has its lines as \n.
    [GeneratedRegex(@"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----.*?(-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----|\z)", RegexOptions.Singleline | RegexOptions.CultureInvariant)]
    private static partial Regex PrivateKey();

    // A password may have anything in it that ends a URL; behind a host's colon stands a number.
    [GeneratedRegex("""
        (\b[a-z][a-z0-9+.-]{0,30}://)
        (?:(?!\[)[^\s/@:"]{0,1024}:(?!\d{1,5}(?:[/?\#"',;)\]}\s]|$))(?:[^\s"]|"(?![,\]}:\s]|$)){0,1024}@
          |[^\s/?\#"'<>]{0,1024}@)
        """, RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex UserInfo();

    [GeneratedRegex("(?<![0-9A-Za-z])[0-9A-Fa-f]{32,}(?![0-9A-Za-z])", RegexOptions.CultureInvariant)]
    private static partial Regex Hexadecimal();

    [GeneratedRegex("[A-Za-z0-9+/_-]{40,}={0,2}", RegexOptions.CultureInvariant)]
    private static partial Regex Base64();
}
