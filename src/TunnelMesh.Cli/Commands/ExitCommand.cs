using System.CommandLine;
using System.Net;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Contexts;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.Control;
using TunnelMesh.Platform.Exit;
using TunnelMesh.Platform.Journals;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>exit open|close</c>: the kill switch while no peer runs.</summary>
internal static class ExitCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext commands) => new("exit", "Open or close the way to the internet while no peer runs") { Open(commands), Close(commands) };

    /// <summary>Whether a peer that has ended left its kill switch in force, as far as this user may see.</summary>
    public static bool IsLeftClosed(CommandContext commands, string context) => ExitSystem.Outlives && ExitSetup.IsLeftClosed(commands.Layout.ExitJournal(context));

    private static Command Open(CommandContext commands)
    {
        Option<string> context = commands.ContextOption();
        Command command = new("open", "Take away what a peer has left that ended without being asked to: its kill switch, its routes, its names") { context };
        command.SetAction(async (parsed, cancellation) =>
        {
            string which = await RequireStoppedAsync(commands, parsed.GetValue(context)!, cancellation);
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (!commands.Contexts.Exists(which))
            {
                await output.WriteLineAsync($"There is no context {which}, so there was nothing to open.");
                return (int)ExitCode.Ok;
            }
            // Without its names traffic is of no use: a resolver that runs no more is asked for them.
            IReadOnlyList<Recovery> all = new LeftBehind(commands.Layout, which).Undo();
            foreach (Recovery undone in all.Where(r => r.IsUndone))
            {
                await output.WriteLineAsync(undone.Text);
            }
            string[] problems = [.. all.Where(r => !r.IsUndone).Select(r => r.Text)];
            if (problems.Length > 0)
            {
                throw new HostException(ExitCode.General, $"{string.Join(' ', problems)} To try again: tunnelmesh cleanup{commands.Flag(which)}");
            }
            await output.WriteLineAsync(all.Count == 0
                ? $"No peer of the context {which} has left anything, so there was nothing to open."
                : "The way is open: traffic leaves this machine as if there were no exit peer.");
            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static Command Close(CommandContext commands)
    {
        Option<string> context = commands.ContextOption();
        Command command = new("close", "Put the kill switch in force until the peer is connected; needs exit_kill_switch: true") { context };
        command.SetAction(async (parsed, cancellation) =>
        {
            string which = await RequireStoppedAsync(commands, parsed.GetValue(context)!, cancellation);
            Settings settings = commands.LoadSettings(parsed, which);
            ExitSettings.Apply(settings, null, false);
            if (!settings.ExitKillSwitch)
            {
                // At a start of the machine this is no failure: somebody has changed their mind.
                await parsed.InvocationConfiguration.Error.WriteLineAsync("tunnelmesh: the configuration has no exit_kill_switch: true, so nothing was closed.");
                return (int)ExitCode.Ok;
            }
            if (commands.Contexts.Membership(which)?.Mesh is not { } mesh || !mesh.TryGetRanges(out IPNetwork range4, out IPNetwork range6))
            {
                throw new HostException(ExitCode.NotRunning, $"The context {which} is a member of no mesh, so nothing was closed. Join first: tunnelmesh join HOST{commands.Flag(which)}");
            }
            using IExitSetup setup = ExitSystem.Open(commands.Layout.ExitJournal(which), null);
            try
            {
                setup.Close(new ExitUse(settings.TunName, null, null, settings.FirewallMark, settings.ExitLanAccess, KillSwitch: true, range4, range6));
            }
            catch (ExitException e)
            {
                throw new HostException(ExitCode.General, $"The way could not be closed: {e.Message}", e);
            }
            await parsed.InvocationConfiguration.Output.WriteLineAsync($"The way is closed until the peer of the context {which} is connected. To open it by hand: tunnelmesh exit open{commands.Flag(which)}");
            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static async Task<string> RequireStoppedAsync(CommandContext commands, string context, CancellationToken cancellation)
    {
        string which = ContextName.Require(context);
        if (!ExitSystem.Outlives)
        {
            throw new HostException(ExitCode.Configuration, "On this system nothing of exit traffic outlives a peer, so there is nothing to open or close here.");
        }
        if (!commands.Layout.IsRoot)
        {
            throw new HostException(ExitCode.Permission, "Only root may change what leaves this machine. Run this as root.");
        }
        return (await new ContextInspector(commands.Layout).AskAsync(which, cancellation)).State == ContextInspector.Stopped ? which : throw new HostException(ExitCode.InUse,
            $"The peer of the context {which} is running, and sees to what leaves. To open the way, stop it, by Ctrl-C where it runs or: tunnelmesh service stop{commands.Flag(which)}");
    }
}
