using System.CommandLine;
using System.Globalization;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>peers</c>: the other devices of the mesh.</summary>
internal static class PeersCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext commands) => QueryCommand.Asks(
        commands,
        new Command("peers", "List the other devices of the mesh"),
        (client, _, cancellation) => client.PeersAsync(cancellation),
        LocalApiJson.Default.IReadOnlyListPeerReport,
        (peers, _, output) => Print(peers, output, TimeProvider.System.GetUtcNow()));

    /// <summary>One line a device, by name.</summary>
    internal static void Print(IReadOnlyList<PeerReport> peers, TextWriter output, DateTimeOffset now)
    {
        if (peers.Count == 0)
        {
            output.WriteLine("No other device is in the mesh yet.");
            return;
        }
        HumanTable.Print(
            ["NAME", "ADDRESS", "ONLINE", "PATH", "ENDPOINT", "RTT", "RECEIVED", "SENT", "HANDSHAKE"],
            peers.OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => new[]
            {
                p.Name, p.MeshIp, p.Online ? "yes" : "no", p.Path, p.Endpoint ?? "-",
                p.RttMs is { } rtt ? rtt.ToString("0.0", CultureInfo.InvariantCulture) + " ms" : "-",
                HumanText.Bytes(p.RxBytes), HumanText.Bytes(p.TxBytes), p.LastHandshake is null ? "-" : HumanText.Ago(p.LastHandshake, now),
            }),
            output);
    }
}
