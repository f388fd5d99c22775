using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>peers</c>: the other devices of the mesh.</summary>
internal static class PeersCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext commands)
    {
        Option<string> context = QueryCommand.Context();
        Option<bool> json = QueryCommand.Json();
        Command command = new("peers", "List the other devices of the mesh") { context, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            using LocalApiClient client = await QueryCommand.ConnectAsync(commands.Layout, parsed.GetValue(context)!, cancellation);
            IReadOnlyList<PeerReport> peers = await client.PeersAsync(cancellation);
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (parsed.GetValue(json))
            {
                await output.WriteLineAsync(JsonSerializer.Serialize(peers, LocalApiJson.Default.IReadOnlyListPeerReport));
                return (int)ExitCode.Ok;
            }
            Table table = new Table().Border(TableBorder.Simple).AddColumns("Name", "Address", "Online", "Path", "Endpoint", "RTT ms", "Received", "Sent");
            foreach (PeerReport p in peers)
            {
                table.AddRow(Markup.Escape(p.Name), p.MeshIp, p.Online ? "yes" : "no", p.Path, Markup.Escape(p.Endpoint ?? ""),
                    p.RttMs?.ToString("0.0", CultureInfo.InvariantCulture) ?? "",
                    p.RxBytes.ToString(CultureInfo.InvariantCulture), p.TxBytes.ToString(CultureInfo.InvariantCulture));
            }
            AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) }).Write(table);
            return (int)ExitCode.Ok;
        });
        return command;
    }
}
