using System.CommandLine;
using TunnelMesh.Cli.Contexts;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Platform.Journals;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>cleanup</c>: puts back what a peer has left on this system that was killed.</summary>
internal static class CleanupCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext commands)
    {
        Option<string> context = commands.ContextOption();
        Option<bool> all = new("--all") { Description = "Of every context of this home" };
        Command command = new("cleanup", "Put back what a killed peer has left on this system: DNS, exit traffic, rules for packets") { context, all };
        command.SetAction(async (parsed, cancellation) =>
        {
            if (parsed.GetValue(all) && parsed.GetResult(context) is { Implicit: false })
            {
                throw new HostException(ExitCode.Usage, "--all is about every context, and --context about one. Leave out one of the two.");
            }
            TextWriter output = parsed.InvocationConfiguration.Output;
            IReadOnlyList<string> names = parsed.GetValue(all) ? commands.Contexts.Names() : [ContextName.Require(parsed.GetValue(context)!)];
            ContextInspector inspector = new(commands.Layout);
            List<string> problems = [], running = [];
            bool found = false;
            foreach (string name in names)
            {
                LeftBehind behind = new(commands.Layout, name);
                if ((await inspector.AskAsync(name, cancellation)).State != ContextInspector.Stopped || behind.IsHeld)
                {
                    running.Add(name);
                    continue;
                }
                // Told at once: what comes after it may fail.
                foreach (Recovery one in behind.Undo())
                {
                    found = true;
                    if (one.IsUndone)
                    {
                        await output.WriteLineAsync(one.Text);
                    }
                    else
                    {
                        problems.Add(one.Text);
                    }
                }
            }
            if (problems.Count > 0)
            {
                throw new HostException(ExitCode.General, $"{string.Join(' ', problems)}{(commands.Layout.IsRoot ? "" : " What a peer of root's has left, only root can put back: run this as root.")}");
            }
            if (running.Count > 0)
            {
                throw new HostException(ExitCode.InUse,
                    $"The peer of the context {string.Join(", ", running)} is running, and puts back what it has changed when it ends. To end it: Ctrl-C where it runs, or tunnelmesh service stop{commands.Flag(running[0])}");
            }
            if (!found)
            {
                await output.WriteLineAsync(parsed.GetValue(all) ? "No peer has left anything behind." : $"No peer of the context {names[0]} has left anything behind.");
            }
            return (int)ExitCode.Ok;
        });
        return command;
    }
}
