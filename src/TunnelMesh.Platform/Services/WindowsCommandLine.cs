using System.Text;

namespace TunnelMesh.Platform.Services;

/// <summary>A command line of Windows, made of arguments so that CommandLineToArgvW takes it apart again. Pure.</summary>
public static class WindowsCommandLine
{
    /// <summary>One command line of several arguments, as CommandLineToArgvW takes it apart: backslashes count only before a quotation mark.</summary>
    /// <param name="arguments">Program and arguments.</param>
    /// <exception cref="ServiceException">One holds a control character.</exception>
    public static string Join(IEnumerable<string> arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        // The program is always quoted: an unquoted path with a space in it is tried word by word, and another program might lie at `C:\Program.exe`.
        return string.Join(' ', arguments.Select((argument, at) => Quoted(argument, always: at == 0)));
    }

    private static string Quoted(string text, bool always)
    {
        if (text.Any(char.IsControl))
        {
            throw new ServiceException("A path or name with a control character in it cannot stand in a command line. Rename what has it.");
        }

        if (!always && text.Length > 0 && !text.AsSpan().ContainsAny(' ', '"'))
        {
            return text;
        }

        StringBuilder quoted = new("\"");
        int backslashes = 0;
        foreach (char c in text)
        {
            if (c == '"')
            {
                quoted.Append('\\', backslashes + 1);
            }

            backslashes = c == '\\' ? backslashes + 1 : 0;
            quoted.Append(c);
        }

        return quoted.Append('\\', backslashes).Append('"').ToString();
    }
}
