using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Hosting;

namespace TunnelMesh.Cli.Commands;

/// <summary>Says on one line what is wrong with a command line, with the nearest thing that exists.</summary>
internal static class UsageText
{
    private const string Program = "tunnelmesh";

    // What the system's ping calls them, here and on Windows.
    private static readonly Dictionary<string, string> FlagsOfOtherPings = new() { ["-n"] = "--count", ["-i"] = "--interval", ["-w"] = "--timeout", ["-W"] = "--timeout" };

    /// <summary>The line, or null when the command line is good.</summary>
    public static string? Describe(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        bool isRoot = command == parsed.RootCommandResult.Command;
        string path = PathOf(parsed.CommandResult);
        if (Unknown(parsed) is { } unknown)
        {
            return unknown.StartsWith('-') ? Misplaced(unknown, parsed, path) ?? NoFlag(unknown, command, parsed.RootCommandResult.Command, path)
                : isRoot || IsBeforeCommand(unknown, parsed) ? NoCommand(unknown, parsed.RootCommandResult.Command, Program)
                : command.Subcommands.Count > 0 ? NoCommand(unknown, command, path)
                : $"`{unknown}` is one argument too many for `{path}`. `{path} --help` shows what it takes.";
        }
        if (Empty(parsed) is { } empty)
        {
            return $"{empty} is empty, as a variable that is not set leaves it: give it a value, or leave it out. `{path} --help` shows what it takes.";
        }
        if (parsed.Errors.Count == 0)
        {
            return null;
        }
        if (parsed.Errors.Select(e => OwnerOf(e.SymbolResult)).OfType<OptionResult>().FirstOrDefault(o => o.Tokens.Count == 0) is { } bare)
        {
            return $"The value of `{bare.IdentifierToken?.Value ?? bare.Option.Name}` is missing. `{path} --help` shows what it takes.";
        }
        return command.Subcommands.Count > 0 && (parsed.Tokens.Count == 0 || !isRoot)
            ? $"Which command{(isRoot ? "" : $" of `{path}`")}? {(isRoot ? "" : string.Join(", ", command.Subcommands.Where(c => !c.Hidden).Select(c => $"`{c.Name}`")) + "; ")}`{path} --help` shows them."
            : $"{(NoValue(parsed.Errors[0].SymbolResult) ?? FailureReport.OneLine(parsed.Errors[0].Message)).TrimEnd('.')}. `{path} --help` shows what {(isRoot ? "there is" : "it takes")}.";
    }

    // An empty word says nothing anywhere, and what is left out stands for everything: for every port, for everybody.
    private static string? Empty(ParseResult parsed)
    {
        for (CommandResult? at = parsed.CommandResult; at is not null; at = at.Parent as CommandResult)
        {
            foreach (SymbolResult child in at.Children.Where(c => c.Tokens.Any(t => string.IsNullOrWhiteSpace(t.Value))))
            {
                switch (child)
                {
                    case OptionResult { Implicit: false } option:
                        return $"`{option.IdentifierToken?.Value ?? option.Option.Name}`";
                    case ArgumentResult argument:
                        return argument.Argument.Name.ToUpperInvariant();
                }
            }
        }
        return null;
    }

    // The parser's own words for it name types of the framework.
    private static string? NoValue(SymbolResult? at)
    {
        (string name, Type type) = OwnerOf(at) switch
        {
            OptionResult option => ($"`{option.Option.Name}`", option.Option.ValueType),
            ArgumentResult argument => (argument.Argument.Name, argument.Argument.ValueType),
            _ => ("", typeof(string)),
        };
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (at?.Tokens is not [{ Value: var text }] || IsNumber(type, text))
        {
            return null;
        }
        return $"`{FailureReport.OneLine(text)}` is no number for {name}: expected a whole number up to {(type == typeof(int) ? int.MaxValue : long.MaxValue)}";
    }

    // The value of a flag has a result of its own.
    private static SymbolResult? OwnerOf(SymbolResult? at) => at is ArgumentResult { Parent: OptionResult option } ? option : at;

    // Also true for what is to be no number.
    private static bool IsNumber(Type type, string text) =>
        type == typeof(int) ? int.TryParse(text, CultureInfo.InvariantCulture, out _) : type != typeof(long) || long.TryParse(text, CultureInfo.InvariantCulture, out _);

    private static string PathOf(CommandResult result) => result.Parent is CommandResult parent ? $"{PathOf(parent)} {result.Command.Name}" : Program;

    // A mistyped flag is taken for an argument where the command takes one.
    private static string? Unknown(ParseResult parsed) => parsed.CommandResult.Children.OfType<ArgumentResult>()
        .SelectMany(argument => argument.Tokens)
        .Select(token => token.Value)
        .FirstOrDefault(value => value.Length > 1 && value.StartsWith('-')) ?? (parsed.UnmatchedTokens is [var first, ..] ? first : null);

    // `daemon status` means a command that does not exist, not the one called `status`.
    private static bool IsBeforeCommand(string unknown, ParseResult parsed) =>
        parsed.Tokens.TakeWhile(token => token.Type != TokenType.Command).Any(token => token.Value == unknown);

    // One that the command has, but that was given before the command's name.
    private static string? Misplaced(string unknown, ParseResult parsed, string path)
    {
        string name = unknown.Split('=', 2)[0];
        Command command = parsed.CommandResult.Command;
        if (command == parsed.RootCommandResult.Command)
        {
            return CommandTree.All(command).Any(c => Has(c.Command, name) is not null) ? $"`{name}` stands behind the command that it is for. `{Program} --help` shows the commands." : null;
        }
        int own = parsed.Tokens.ToList().FindLastIndex(token => token.Type == TokenType.Command && token.Value == command.Name);
        return Has(command, name) is { } option && parsed.Tokens.Take(own).Any(token => token.Value == unknown)
            ? $"`{name}` stands behind the command: `{path} {name}{(CommandTree.ValueOf(option) is { } value ? $" {value}" : "")}`. `{path} --help` shows its flags."
            : null;
    }

    private static Option? Has(Command command, string name) => command.Options.FirstOrDefault(o => !o.Hidden && (o.Name == name || o.Aliases.Contains(name)));

    private static string NoFlag(string unknown, Command command, Command root, string path)
    {
        string name = unknown.Split('=', 2)[0];
        if (name.Contains("token", StringComparison.OrdinalIgnoreCase))
        {
            return $"There is no flag `{name}`: the token is read from the environment variable TUNNELMESH_TOKEN only, where nobody else on this machine sees it.";
        }
        string nearest = command.Name == PingCommand.Name && FlagsOfOtherPings.TryGetValue(name, out string? meant) ? $" Did you mean `{meant}`?" : EditDistance.Hint(name, command.Options.Concat(root.Options.Where(o => o.Recursive)).Where(o => !o.Hidden).SelectMany(o => o.Aliases.Prepend(o.Name)));
        return $"`{path}` has no flag `{name}`.{nearest} `{path} --help` shows its flags.";
    }

    private static string NoCommand(string unknown, Command parent, string path) =>
        $"There is no command `{unknown}`{(path == Program ? "" : $" of `{path}`")}.{EditDistance.Hint(unknown, parent.Subcommands.Where(c => !c.Hidden).Select(c => c.Name))} `{path} --help` shows the commands.";
}
