using System.CommandLine;
using TunnelMesh.Cli.Contexts;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Cli.Commands;

/// <summary>What the commands that ask a running peer have in common: options, connection.</summary>
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
}
