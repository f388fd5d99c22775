using System.CommandLine;
using System.CommandLine.Completions;
using System.Globalization;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Cli.Commands;

/// <summary>What may stand where the cursor is on a command line.</summary>
internal static class Completion
{
    // Whoever presses a key does not wait for a peer that is busy.
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);

    /// <summary>Answers a script of <see cref="CompletionCommand"/>: a line for each word that fits, what it means behind a tab. Nothing that goes wrong is said: a shell would show it in the middle of a line.</summary>
    /// <param name="root">The program.</param>
    /// <param name="layout">Where a running peer is found.</param>
    /// <param name="arguments">How many words there are behind the program's name, the one under the cursor included, and these words: a shell may leave out an empty last one.</param>
    /// <param name="output">Where to.</param>
    public static async Task RunAsync(RootCommand root, HomeLayout layout, string[] arguments, TextWriter output)
    {
        if (arguments.Length == 0 || !int.TryParse(arguments[0], NumberStyles.None, CultureInfo.InvariantCulture, out int count))
        {
            return;
        }
        List<string> words = [.. arguments.Skip(1)];
        if (arguments.Length - 1 < count)
        {
            words.Add("");
        }
        IReadOnlyList<(string Word, string What)> found;
        CompletedNames names;
        string? context;
        try
        {
            found = Find(root, words, out names, out context);
        }
        catch (Exception e) when (ExitCodes.Of(e) is not null)
        {
            return;
        }
        foreach ((string word, string what) in found)
        {
            await output.WriteLineAsync($"{word}\t{what}");
        }
        if (names != CompletedNames.None)
        {
            string flag = words[^1][..FlagLength(words[^1])];
            foreach ((string name, string what) in await AskAsync(layout, context ?? layout.ActiveContext, names))
            {
                if (name.StartsWith(words[^1][flag.Length..], StringComparison.OrdinalIgnoreCase))
                {
                    await output.WriteLineAsync($"{flag}{name}\t{what}");
                }
            }
        }
    }

    /// <summary>The words that fit, with what they mean.</summary>
    /// <param name="root">The program.</param>
    /// <param name="words">Behind the program's name; the last is the one under the cursor, and may be empty.</param>
    /// <param name="names">Whose names fit, too.</param>
    /// <param name="context">Which peer knows them; null for the one in use.</param>
    internal static IReadOnlyList<(string Word, string What)> Find(RootCommand root, IReadOnlyList<string> words, out CompletedNames names, out string? context)
    {
        (names, context) = (CompletedNames.None, null);
        string last = words.Count > 0 ? words[^1] : "";
        Command command = root;
        Option? open = null;
        int arguments = 0;
        HashSet<string> used = [];
        foreach (string word in words.SkipLast(1))
        {
            if (Takes(open, word))
            {
                context = open!.Name == "--context" ? word : context;
                open = null;
            }
            else if (word.StartsWith('-'))
            {
                string name = word.Split('=', 2)[0];
                Option? option = Flag(command, root, name);
                used.Add(option?.Name ?? name);
                open = option is not null && !word.Contains('=', StringComparison.Ordinal) && CommandTree.ValueOf(option) is not null ? option : null;
            }
            else if (command.Subcommands.FirstOrDefault(c => c.Name == word && !c.Hidden) is { } below)
            {
                command = below;
            }
            else
            {
                arguments++;
            }
        }
        if (Takes(open, last))
        {
            names = NamesOf(open);
            return Values(open!, last);
        }
        if (FlagLength(last) is > 0 and int length)
        {
            Option? option = Flag(command, root, last[..(length - 1)]);
            names = NamesOf(option);
            return option is null || CommandTree.ValueOf(option) is null ? [] : [.. Values(option, last[length..]).Select(v => (last[..length] + v.Word, v.What))];
        }
        if (last.StartsWith('-'))
        {
            return [.. CommandTree.Flags(command, root).Where(o => !used.Contains(o.Name) && o.Name.StartsWith(last, StringComparison.Ordinal)).Select(o => (o.Name, o.Description ?? ""))];
        }
        if (command.Subcommands.Count > 0)
        {
            return arguments > 0 ? [] : [.. command.Subcommands.Where(c => !c.Hidden && c.Name.StartsWith(last, StringComparison.Ordinal)).Select(c => (c.Name, c.Description ?? ""))];
        }
        if (arguments >= command.Arguments.Count)
        {
            return [];
        }
        names = NamesOf(command, command.Arguments[arguments]);
        return Values(command.Arguments[arguments], last);
    }

    private static CompletedNames NamesOf(Option? option) => option switch
    {
        { Name: "--source-peer" } => CompletedNames.Devices | CompletedNames.GroupSources,
        { Name: "--exit-node" } => CompletedNames.ExitPeers,
        { HelpName: "PEER" } => CompletedNames.Devices,
        _ => CompletedNames.None,
    };

    // A group that is to be made has a new name, and nobody chooses who is in those that are built in.
    private static CompletedNames NamesOf(Command command, Argument argument) => argument.Name switch
    {
        "peer" or "which" or "name" or "member" => CompletedNames.Devices,
        "group" => command.Name switch { "create" => CompletedNames.None, "members" => CompletedNames.Groups, _ => CompletedNames.MadeGroups },
        "id" => CompletedNames.Tokens,
        _ => CompletedNames.None,
    };

    // One whose value may be left out is followed by the next flag.
    private static bool Takes(Option? open, string word) => open is not null && !(open.Arity.MinimumNumberOfValues == 0 && word.StartsWith('-'));

    // Of a word that is a flag and its value, where the value begins; else 0.
    private static int FlagLength(string word) => word.StartsWith('-') ? word.IndexOf('=', StringComparison.Ordinal) + 1 : 0;

    private static Option? Flag(Command command, RootCommand root, string name) => CommandTree.Flags(command, root).FirstOrDefault(o => o.Name == name || o.Aliases.Contains(name));

    private static IReadOnlyList<(string Word, string What)> Values(Symbol symbol, string last) =>
        [.. symbol.GetCompletions(CompletionContext.Empty).Select(c => c.Label).Where(l => l.StartsWith(last, StringComparison.Ordinal)).Select(l => (l, ""))];

    // What the running peer knows, with what it means.
    private static async Task<IReadOnlyList<(string Name, string What)>> AskAsync(HomeLayout layout, string context, CompletedNames names)
    {
        try
        {
            using CancellationTokenSource late = new(Patience);
            using LocalApiClient client = await QueryCommand.ConnectAsync(layout, context, late.Token);
            List<(string, string)> found = [];
            if ((names & (CompletedNames.Devices | CompletedNames.ExitPeers)) != 0)
            {
                found.AddRange((await client.PeersAsync(late.Token)).Where(p => p.AllowsExit || names.HasFlag(CompletedNames.Devices)).Select(p => (p.Name, p.MeshIp)));
            }
            if (names.HasFlag(CompletedNames.Tokens))
            {
                found.AddRange((await client.TokensAsync(late.Token)).Where(t => t.State == TokenCommand.Valid)
                    .Select(t => (t.Id.ToString(CultureInfo.InvariantCulture), string.Create(CultureInfo.InvariantCulture, $"has admitted {t.Admitted}"))));
            }
            if (names.HasFlag(CompletedNames.GroupSources))
            {
                found.AddRange((await client.FilterAsync(LocalCommands.Filter, null, late.Token)).Groups.Select(g => ($"group:{g}", $"whoever is in {g}")));
            }
            if ((names & (CompletedNames.Groups | CompletedNames.MadeGroups)) != 0)
            {
                found.AddRange((await client.GroupsAsync(late.Token)).Where(g => !g.BuiltIn || names.HasFlag(CompletedNames.Groups))
                    .Select(g => (g.Name, string.Create(CultureInfo.InvariantCulture, $"{g.Members} {(g.Members == 1 ? "user" : "users")}"))));
            }
            return found;
        }
        catch (Exception e) when (ExitCodes.Of(e) is not null)
        {
            return [];
        }
    }
}
