using System.Text;

namespace TunnelMesh.Platform.Services;

/// <summary>The text of a file of variables, one NAME=value a line, as systemd (systemd.exec(5), EnvironmentFile=) and a POSIX shell both read it. Pure.</summary>
public static class EnvironmentText
{
    /// <summary>What a new file begins with.</summary>
    public const string Header = "# Variables of the TunnelMesh service, one NAME=value a line. Keep this file 0600: it may hold the token of the mesh.\n";

    /// <summary>Sets variables in a text: a line that sets one of them is replaced, every other line stays as it is.</summary>
    /// <param name="before">The text so far; empty for a new file.</param>
    /// <param name="variables">What to set.</param>
    /// <exception cref="ServiceException">A value holds a control character. The message does not name the value.</exception>
    public static string Set(string before, IReadOnlyList<KeyValuePair<string, string>> variables)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(variables);
        StringBuilder after = new();
        foreach (string line in before.Length == 0 ? Header.TrimEnd('\n').Split('\n') : before.TrimEnd('\n').Split('\n'))
        {
            if (!variables.Any(v => Names(line, v.Key)))
            {
                after.Append(line).Append('\n');
            }
        }

        foreach ((string name, string value) in variables)
        {
            after.Append(name).Append('=').Append(Quoted(name, value)).Append('\n');
        }

        return after.ToString();
    }

    /// <summary>True when a line of the text sets the variable to something.</summary>
    /// <param name="text">The text.</param>
    /// <param name="name">Name of the variable.</param>
    public static bool Has(string text, string name)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Split('\n').Any(line => Names(line, name) && line.TrimEnd().Length > line.IndexOf('=', StringComparison.Ordinal) + 1);
    }

    /// <summary>Reads a text that <see cref="Set"/> wrote, or a person in its manner. Comments, empty lines and lines that set nothing are passed over.</summary>
    /// <param name="text">The text.</param>
    /// <returns>Names and values, in the order of the lines; a later line of a name counts.</returns>
    public static IReadOnlyList<KeyValuePair<string, string>> Read(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<KeyValuePair<string, string>> variables = [];
        foreach (string line in text.Split('\n', StringSplitOptions.TrimEntries))
        {
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0 && line[0] is not ('#' or ';'))
            {
                variables.Add(new(line[..equals], Plain(line[(equals + 1)..])));
            }
        }

        return variables;
    }

    private static string Plain(string value)
    {
        if (value is not ['"' or '\'', .., '"' or '\''] || value.Length < 2 || value[0] != value[^1])
        {
            return value;
        }

        string inner = value[1..^1];
        if (value[0] == '\'')
        {
            return inner;
        }

        StringBuilder plain = new(inner.Length);
        for (int i = 0; i < inner.Length; i++)
        {
            bool escapes = inner[i] == '\\' && i + 1 < inner.Length && "\\\"$`".Contains(inner[i + 1], StringComparison.Ordinal);
            plain.Append(escapes ? inner[++i] : inner[i]);
        }

        return plain.ToString();
    }

    private static bool Names(string line, string name) => line.TrimStart().StartsWith(name + "=", StringComparison.Ordinal);

    private static string Quoted(string name, string value)
    {
        if (value.Any(char.IsControl))
        {
            throw new ServiceException($"{name} holds a control character. Set it anew, and install again.");
        }

        if (value.All(c => char.IsAsciiLetterOrDigit(c) || "/._-:@+,=".Contains(c, StringComparison.Ordinal)))
        {
            return value;
        }

        StringBuilder quoted = new("\"");
        foreach (char c in value)
        {
            _ = "\\\"$`".Contains(c, StringComparison.Ordinal) ? quoted.Append('\\').Append(c) : quoted.Append(c);
        }

        return quoted.Append('"').ToString();
    }
}
