using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>peers</c>: the other devices of the mesh.</summary>
internal static class PeersCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext commands)
    {
        Option<string> context = commands.ContextOption();
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
            if (peers.Count == 0)
            {
                await output.WriteLineAsync("No other device is in the mesh yet.");
                return (int)ExitCode.Ok;
            }
            Print(peers, output, TimeProvider.System.GetUtcNow());
            return (int)ExitCode.Ok;
        });
        return command;
    }

    /// <summary>One line a device, by name.</summary>
    internal static void Print(IReadOnlyList<PeerReport> peers, TextWriter output, DateTimeOffset now) => HumanTable.Print(
        ["NAME", "ADDRESS", "ONLINE", "PATH", "ENDPOINT", "RTT", "RECEIVED", "SENT", "HANDSHAKE"],
        peers.OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => new[]
        {
            p.Name, p.MeshIp, p.Online ? "yes" : "no", p.Path, p.Endpoint ?? "-",
            p.RttMs is { } rtt ? rtt.ToString("0.0", CultureInfo.InvariantCulture) + " ms" : "-",
            HumanText.Bytes(p.RxBytes), HumanText.Bytes(p.TxBytes), p.LastHandshake is null ? "-" : HumanText.Ago(p.LastHandshake, now),
        }),
        output);
}
