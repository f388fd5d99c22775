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
    private static readonly string[] DeviceArguments = ["peer", "which", "name", "member"];

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
        List<string> words = [.. arguments.Skip(1).Where(w => w != "=")];
        if (arguments.Length - 1 < count)
        {
            words.Add("");
        }
        IReadOnlyList<(string Word, string What)> found = Find(root, words, out bool devices, out string? context);
        foreach ((string word, string what) in found)
        {
            await output.WriteLineAsync($"{word}\t{what}");
        }
        if (devices)
        {
            string flag = words[^1][..FlagLength(words[^1])];
            foreach (PeerReport peer in await DevicesAsync(layout, context ?? layout.ActiveContext, words[^1][flag.Length..]))
            {
                await output.WriteLineAsync($"{flag}{peer.Name}\t{peer.MeshIp}");
            }
        }
    }

    /// <summary>The words that fit, with what they mean.</summary>
    /// <param name="root">The program.</param>
    /// <param name="words">Behind the program's name; the last is the one under the cursor, and may be empty.</param>
    /// <param name="devices">True when names of devices fit, too.</param>
    /// <param name="context">Which peer knows them; null for the one in use.</param>
    internal static IReadOnlyList<(string Word, string What)> Find(RootCommand root, IReadOnlyList<string> words, out bool devices, out string? context)
    {
        (devices, context) = (false, null);
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
            devices = open!.HelpName == "PEER";
            return Values(open, last);
        }
        if (FlagLength(last) is > 0 and int length)
        {
            Option? option = Flag(command, root, last[..(length - 1)]);
            devices = option?.HelpName == "PEER";
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
        devices = DeviceArguments.Contains(command.Arguments[arguments].Name);
        return Values(command.Arguments[arguments], last);
    }

    // One whose value may be left out is followed by the next flag.
    private static bool Takes(Option? open, string word) => open is not null && !(open.Arity.MinimumNumberOfValues == 0 && word.StartsWith('-'));

    // Of a word that is a flag and its value, where the value begins; else 0. Bash splits such words, other shells do not.
    private static int FlagLength(string word) => word.StartsWith('-') ? word.IndexOf('=', StringComparison.Ordinal) + 1 : 0;

    private static Option? Flag(Command command, RootCommand root, string name) => CommandTree.Flags(command, root).FirstOrDefault(o => o.Name == name || o.Aliases.Contains(name));

    private static IReadOnlyList<(string Word, string What)> Values(Symbol symbol, string last) =>
        [.. symbol.GetCompletions(CompletionContext.Empty).Select(c => c.Label).Where(l => l.StartsWith(last, StringComparison.Ordinal)).Select(l => (l, ""))];

    private static async Task<IEnumerable<PeerReport>> DevicesAsync(HomeLayout layout, string context, string begin)
    {
        try
        {
            using CancellationTokenSource late = new(Patience);
            using LocalApiClient client = await QueryCommand.ConnectAsync(layout, context, late.Token);
            return (await client.PeersAsync(late.Token)).Where(p => p.Name.StartsWith(begin, StringComparison.OrdinalIgnoreCase));
        }
        catch (Exception e) when (ExitCodes.Of(e) is not null)
        {
            return [];
        }
    }
}
