using System.CommandLine;
using System.Text;
using TunnelMesh.Cli.Hosting;

namespace TunnelMesh.Cli.Commands;

/// <summary>A man page (man(7)) of a command. Pure.</summary>
internal static class ManPage
{
    private const string Name = "tunnelmesh";

    /// <summary>Every page: that of the program and one a command.</summary>
    /// <param name="root">The program.</param>
    /// <param name="version">Its version.</param>
    /// <returns>File names with their text.</returns>
    public static IEnumerable<(string File, string Text)> All(RootCommand root, string version) =>
        CommandTree.All(root).Select(c => (File(c.Path), Page(root, c.Path, c.Command, version))).Prepend((File(""), Page(root, "", root, version)));

    private static string File(string path) => Title(path) + ".1";

    private static string Title(string path) => path.Length == 0 ? Name : $"{Name}-{path.Replace(' ', '-')}";

    private static string Page(RootCommand root, string path, Command command, string version)
    {
        string line = path.Length == 0 ? Name : $"{Name} {path}";
        StringBuilder text = new();
        text.Append(".TH ").Append(Escape(Title(path).ToUpperInvariant())).Append(" 1 \"\" \"TunnelMesh ").Append(version).Append("\" \"TunnelMesh\"\n");
        text.Append(".SH NAME\n").Append(Escape(Title(path))).Append(" \\- ").Append(Escape(command.Description ?? "")).Append('\n');
        text.Append(".SH SYNOPSIS\n.B ").Append(Escape(line)).Append('\n');
        string rest = string.Join(' ', command.Arguments.Select(CommandTree.Shown).Concat(command.Subcommands.Count > 0 ? ["COMMAND"] : []).Append("[FLAGS]"));
        text.Append(".RI ").Append('"').Append(Escape(rest)).Append("\"\n");
        if (command.Arguments.Count > 0)
        {
            text.Append(".SH ARGUMENTS\n");
            foreach (Argument argument in command.Arguments)
            {
                Item(text, $"\\fI{Escape(argument.Name.ToUpperInvariant())}\\fR", argument.Description);
            }
        }
        (string Path, Command Command)[] below = [.. CommandTree.All(command)];
        if (below.Length > 0)
        {
            text.Append(".SH COMMANDS\n");
            foreach ((string sub, Command what) in below)
            {
                Item(text, $"\\fB{Escape($"{line} {sub}")}\\fR", what.Description);
            }
        }
        text.Append(".SH FLAGS\n");
        foreach (Option option in CommandTree.Flags(command, root))
        {
            string value = CommandTree.ValueOf(option) is { } shown ? $" \\fI{Escape(shown)}\\fR" : "";
            Item(text, $"\\fB{Escape(CommandTree.Names(option))}\\fR{value}", option.Description);
        }
        if (Examples.Of(path) is { Count: > 0 } examples)
        {
            text.Append(".SH EXAMPLES\n");
            foreach ((string example, string what) in examples)
            {
                text.Append(".PP\n").Append(Escape(what)).Append(".\n.PP\n.RS\n.nf\n").Append(Escape(example)).Append("\n.fi\n.RE\n");
            }
        }
        text.Append(".SH EXIT STATUS\n");
        foreach (ExitCode code in Enum.GetValues<ExitCode>())
        {
            Item(text, $"\\fB{(int)code}\\fR", ExitCodes.Describe(code));
        }
        string[] others = [.. CommandTree.All(root).Select(c => c.Path).Where(p => p != path && (path.Length == 0 || p.Split(' ')[0] == path.Split(' ')[0]))];
        text.Append(".SH SEE ALSO\n").Append(string.Join(",\n", others.Select(Title).Concat(path.Length == 0 ? [] : [Name]).Select(t => $".BR {Escape(t)} (1)"))
            .Replace(",\n", " ,\n", StringComparison.Ordinal)).Append('\n');
        return text.ToString();
    }

    private static void Item(StringBuilder text, string tag, string? what) => text.Append(".TP\n").Append(tag).Append('\n').Append(Escape(what ?? "")).Append(".\n");

    // A backslash, a hyphen that is to be copied as one, and a dot or quote that would begin a request.
    private static string Escape(string text)
    {
        string plain = text.Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal).Replace("\"", "\\(dq", StringComparison.Ordinal);
        return plain is ['.' or '\'', ..] ? "\\&" + plain : plain;
    }
}
