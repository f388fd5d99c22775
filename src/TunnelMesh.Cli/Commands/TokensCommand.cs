using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>tokens</c>: the mesh tokens a coordinator knows, never their text, and the end of one. Runs on a coordinator.</summary>
internal static class TokensCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext commands)
    {
        Option<long?> withdraw = new("--withdraw") { Description = "Number of the token that shall admit nobody any more", HelpName = "ID" };
        Option<string> context = QueryCommand.Context();
        Option<bool> json = QueryCommand.Json();
        Command command = new("tokens", "List the mesh tokens, or withdraw one for good (on a coordinator)") { withdraw, context, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            using LocalApiClient client = await QueryCommand.ConnectAsync(commands.Layout, parsed.GetValue(context)!, cancellation);
            IReadOnlyList<TokenReport> tokens = await client.TokensAsync(parsed.GetValue(withdraw), cancellation);
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (parsed.GetValue(json))
            {
                await output.WriteLineAsync(JsonSerializer.Serialize(tokens, LocalApiJson.Default.IReadOnlyListTokenReport));
            }
            else
            {
                Print(tokens, output);
            }
            return (int)ExitCode.Ok;
        });
        return command;
    }

    /// <summary>One line a token, the oldest first.</summary>
    internal static void Print(IReadOnlyList<TokenReport> tokens, TextWriter output) => HumanTable.Print(
        ["ID", "STATE", "IN TUNNELMESH_TOKEN", "ADMITTED", "ADDED"],
        tokens.Select(t => new[]
        {
            t.Id.ToString(CultureInfo.InvariantCulture), t.Withdrawn ? "withdrawn" : t.Valid ? "valid" : "ended", t.Given ? "yes" : "no",
            t.Admitted.ToString(CultureInfo.InvariantCulture), t.Added.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) + " UTC",
        }),
        output);
}
