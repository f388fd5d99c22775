using System.CommandLine;

namespace TunnelMesh.Cli.Commands;

/// <summary>The commands as a tree: what help, man pages and completion are made of.</summary>
internal static class CommandTree
{
    /// <summary>Every command that is shown, in the order of the help, the ones that have others below them before those; with its path without the program's name.</summary>
    public static IEnumerable<(string Path, Command Command)> All(Command root) => Below(root, "");

    /// <summary>Flags of a command that are shown, those that hold everywhere after its own.</summary>
    public static IEnumerable<Option> Flags(Command command, RootCommand root) =>
        command.Options.Concat(command == root ? [] : root.Options.Where(o => o.Recursive)).Where(o => !o.Hidden);

    /// <summary>A flag with all its names, those in the manner of DOS left out.</summary>
    public static string Names(Option option) => string.Join(", ", option.Aliases.Append(option.Name).Where(n => n[0] == '-').OrderBy(n => n.Length));

    /// <summary>What stands for the value of a flag, or null for one that takes none.</summary>
    public static string? ValueOf(Option option) => option.Arity.MaximumNumberOfValues == 0 || option.ValueType == typeof(bool) ? null : (option.HelpName ?? option.Name.TrimStart('-')).ToUpperInvariant();

    /// <summary>How arguments are written: <c>[PEER]</c> for one that may be left out.</summary>
    public static string Shown(Argument argument) => argument.Arity.MinimumNumberOfValues == 0 ? $"[{argument.Name.ToUpperInvariant()}]" : argument.Name.ToUpperInvariant();

    private static IEnumerable<(string Path, Command Command)> Below(Command parent, string prefix) =>
        parent.Subcommands.Where(c => !c.Hidden).SelectMany(c => Below(c, $"{prefix}{c.Name} ").Prepend((prefix + c.Name, c)));
}
