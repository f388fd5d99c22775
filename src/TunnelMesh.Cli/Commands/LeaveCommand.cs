using System.CommandLine;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Cli.Trust;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>leave</c>: gives up the membership and stops the peer.</summary>
internal static class LeaveCommand
{
    // It undoes what it has changed on the system first, by programs that may be slow.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext commands)
    {
        Option<string> context = commands.ContextOption();
        Option<bool> force = new("--force") { Description = "Forget the mesh here even when the coordinator cannot be told" };
        Command command = new("leave", "Leave the mesh for good and stop the running peer") { context, force };
        command.SetAction(async (parsed, cancellation) =>
        {
            string which = parsed.GetValue(context)!;
            bool forced = parsed.GetValue(force);
            bool told, ended = true;
            string? stays = null;
            TextWriter output = parsed.InvocationConfiguration.Output;
            try
            {
                using LocalApiClient client = await QueryCommand.ConnectAsync(commands.Layout, which, cancellation);
                told = await client.LeaveAsync(forced, cancellation);
                // Whoever joins anew, deletes the context or opens the way next must not meet it.
                ended = await client.WaitForEndAsync(Patience, TimeProvider.System, cancellation);
            }
            catch (PeerNotRunningException e)
            {
                if (!forced)
                {
                    throw new PeerNotRunningException($"{e.Message} Only a running peer can tell the coordinator that it leaves; `tunnelmesh leave --force` forgets the mesh here without telling it.");
                }
                // A peer that is asked to leave puts it back itself. What cannot be put back is no reason to stay a member.
                stays = new LeftBehind(commands.Layout, which).Undo(parsed.InvocationConfiguration.Error);
                string directory = commands.Layout.ContextDirectory(which);
                if (!Directory.Exists(directory) || !new PeerStore(directory, TimeProvider.System).Clear())
                {
                    await output.WriteLineAsync($"The context {which} is a member of no mesh: there was nothing to forget.");
                    return Done();
                }
                told = false;
            }
            await output.WriteLineAsync(told
                ? "Left the mesh."
                : "Forgot the mesh. The coordinator was not told: `tunnelmesh revoke` there takes the device out of its list.");
            // The peer has the same home unless another user runs it, whose record is not seen here.
            if (File.Exists(TrustRecord.Of(commands.Layout, which).Path))
            {
                await output.WriteLineAsync($"The system still trusts the CA of that mesh. To take it out: tunnelmesh trust-ca --remove{commands.Flag(which)}");
            }
            return Done();

            int Done() => !ended ? throw new HostException(ExitCode.General, $"The peer of the context {which} has left, but not ended within {Patience.TotalSeconds:0} s. `pgrep -af tunnelmesh` shows it; it may need more time, and until then nothing else can use the context.")
                : stays is null ? (int)ExitCode.Ok : throw new HostException(ExitCode.General, $"{stays} To try again: tunnelmesh cleanup{commands.Flag(which)}");
        });
        return command;
    }
}
