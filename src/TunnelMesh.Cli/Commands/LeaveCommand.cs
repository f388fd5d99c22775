using System.CommandLine;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>leave</c>: gives up the membership and stops the peer.</summary>
internal static class LeaveCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(HomeLayout layout)
    {
        Option<string> context = QueryCommand.Context();
        Command command = new("leave", "Leave the mesh for good and stop the running peer") { context };
        command.SetAction(async (parsed, cancellation) =>
        {
            using LocalApiClient client = await QueryCommand.ConnectAsync(layout, parsed.GetValue(context)!, cancellation);
            await client.LeaveAsync(cancellation);
            await parsed.InvocationConfiguration.Output.WriteLineAsync("Left the mesh.");
            return (int)ExitCode.Ok;
        });
        return command;
    }
}
