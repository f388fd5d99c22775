using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using TunnelMesh.Cli.Contexts;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Cli.Commands;

/// <summary>What the commands that ask a running peer have in common: options, connection, and the answer as JSON or for people.</summary>
internal static class QueryCommand
{
    /// <summary>JSON instead of text.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Print JSON with stable names" };

    /// <summary>Connects to the peer of a context.</summary>
    /// <exception cref="PeerNotRunningException">None is running; says so where there is no such context at all.</exception>
    public static async Task<LocalApiClient> ConnectAsync(HomeLayout layout, string context, CancellationToken cancellation)
    {
        try
        {
            return await LocalApiClient.ConnectAsync(layout.ControlSockets(context), cancellation).ConfigureAwait(false);
        }
        catch (PeerNotRunningException e) when (ContextName.IsValid(context) && !new ContextInspector(layout).Knows(context))
        {
            throw new PeerNotRunningException($"There is no context {context} here.{new ContextInspector(layout).Hint(context)} `tunnelmesh context list` shows those that are here. {e.Message}");
        }
    }

    /// <summary>Has a command ask the peer one question and print the answer.</summary>
    /// <param name="commands">What every command has at hand.</param>
    /// <param name="command">With its own arguments and flags; gets <c>--context</c> and <c>--json</c> behind them.</param>
    /// <param name="ask">The question.</param>
    /// <param name="type">How the answer is written as JSON.</param>
    /// <param name="print">How it is written for people.</param>
    /// <param name="check">Throws for a command line that is wrong: said before a peer is asked, which may not be there. Null for none.</param>
    /// <returns>The command.</returns>
    public static Command Asks<T>(CommandContext commands, Command command, Func<LocalApiClient, ParseResult, CancellationToken, Task<T>> ask, JsonTypeInfo<T> type,
        Action<T, ParseResult, TextWriter> print, Action<ParseResult>? check = null)
    {
        Option<string> context = commands.ContextOption();
        Option<bool> json = Json();
        command.Add(context);
        command.Add(json);
        command.SetAction(async (parsed, cancellation) =>
        {
            check?.Invoke(parsed);
            using LocalApiClient client = await ConnectAsync(commands.Layout, parsed.GetValue(context)!, cancellation);
            T answer = await ask(client, parsed, cancellation);
            return Write(parsed, json, answer, type, output => print(answer, parsed, output));
        });
        return command;
    }

    /// <summary>Prints an answer.</summary>
    /// <param name="parsed">The command line; says where to.</param>
    /// <param name="json">The flag.</param>
    /// <param name="answer">What JSON shows.</param>
    /// <param name="type">How it is written as JSON.</param>
    /// <param name="print">Writes it for people.</param>
    /// <returns>The exit code of a command that is done.</returns>
    public static int Write<T>(ParseResult parsed, Option<bool> json, T answer, JsonTypeInfo<T> type, Action<TextWriter> print)
    {
        TextWriter output = parsed.InvocationConfiguration.Output;
        if (parsed.GetValue(json))
        {
            output.WriteLine(JsonSerializer.Serialize(answer, type));
        }
        else
        {
            print(output);
        }
        return (int)ExitCode.Ok;
    }
}
