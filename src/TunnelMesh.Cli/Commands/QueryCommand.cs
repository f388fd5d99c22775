using System.CommandLine;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Cli.Commands;

/// <summary>What the commands that ask a running peer have in common: options, connection.</summary>
internal static class QueryCommand
{
    /// <summary>JSON instead of text.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Print JSON with stable names" };

    /// <summary>Connects to the peer of a context.</summary>
    /// <exception cref="PeerNotRunningException">None is running.</exception>
    public static Task<LocalApiClient> ConnectAsync(HomeLayout layout, string context, CancellationToken cancellation) =>
        LocalApiClient.ConnectAsync(layout.ControlSockets(context), cancellation);
}
