using System.CommandLine;
using TunnelMesh.Cli.Contexts;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Platform.Journals;
using TunnelMesh.Platform.Services;
using TunnelMesh.Platform.Users;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>cleanup</c>: puts back what a peer has left on this system that was killed.</summary>
internal static class CleanupCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext commands)
    {
        Option<string> context = commands.ContextOption();
        Option<bool> all = new("--all") { Description = "Of every context of this home" };
        Option<string?> user = ServiceTarget.UserOption("Of a peer that the system runs as a user, who is not root; Linux only");
        Command command = new("cleanup", "Put back what a killed peer has left on this system: DNS, exit traffic, rules for packets") { context, all, user };
        command.SetAction(async (parsed, cancellation) =>
        {
            bool every = parsed.GetValue(all), named = parsed.GetResult(context) is { Implicit: false };
            if (every && named)
            {
                throw new HostException(ExitCode.Usage, "--all is about every context, and --context about one. Leave out one of the two.");
            }
            Home home = parsed.GetResult(user) is { Implicit: false }
                ? OfUser(commands, parsed.GetValue(user), named ? ContextName.Require(parsed.GetValue(context)!) : null, every)
                : Own(commands, every ? null : ContextName.Require(parsed.GetValue(context)!));
            return await UndoAsync(home, every, parsed.InvocationConfiguration.Output, cancellation);
        });
        return command;
    }

    // The contexts, how what each has left is found, whether its peer answers, how a line for people to type goes on after a verb, and who else could do what cannot be done.
    private sealed record Home(IReadOnlyList<string> Contexts, Func<string, LeftBehind> Left, Func<string, CancellationToken, Task<bool>> RunsAsync, Func<string, string> Flags, Func<string, string> Advice);

    private static Home Own(CommandContext commands, string? context)
    {
        ContextInspector inspector = new(commands.Layout);
        return new(context is null ? commands.Contexts.Names() : [context], name => new(commands.Layout, name),
            async (name, cancellation) => (await inspector.AskAsync(name, cancellation)).State != ContextInspector.Stopped, commands.Flag,
            name => commands.Layout.IsRoot ? ""
                : OperatingSystem.IsLinux() && !commands.Layout.IsNamed
                ? $" Root can: `sudo tunnelmesh cleanup --user{commands.Flag(name)}` puts back what a peer has left that ran as you, `sudo tunnelmesh cleanup{commands.Flag(name)}` what one of root's has."
                : " What a peer of root's has left, only root can put back: run this as root.");
    }

    private static Home OfUser(CommandContext commands, string? user, string? context, bool every)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new HostException(ExitCode.Permission, "No peer runs as a user here, since only root (Windows: an administrator) may make the interface of the mesh. Leave out --user, and run this as root.");
        }
        if (!commands.Layout.IsRoot)
        {
            throw new HostException(ExitCode.Permission, "What a peer has left that ran as a user, only root can put back, since it takes the right to change rules of the kernel. Run this as root, or by sudo.");
        }
        ServiceTarget target = ServiceTarget.OfUser(commands, ServiceManager.ForThisSystem(null), user, context);
        if (target.User is not { } whose)
        {
            throw new HostException(ExitCode.Usage, $"The user whose service {target.Name} is, is not on this system any more. To take it away: tunnelmesh service uninstall{target.Flags}");
        }
        using ActingUser? acting = target.Act();
        string[] names = every ? [.. target.Commands.Contexts.Names()] : [target.Context];
        Dictionary<string, string> flags = names.ToDictionary(n => n, n => $" --user {whose.Name}{target.Commands.Flag(n)}");
        return new(names, target.Left, target.RunsAsync, name => flags[name], _ => "");
    }

    private static async Task<int> UndoAsync(Home home, bool every, TextWriter output, CancellationToken cancellation)
    {
        List<string> problems = [], running = [];
        string? unable = null;
        bool found = false;
        foreach (string name in home.Contexts)
        {
            string whose = every ? $"{name}: " : "";
            try
            {
                LeftBehind behind = home.Left(name);
                if (await home.RunsAsync(name, cancellation) || behind.IsHeld)
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
                        await output.WriteLineAsync(whose + one.Text);
                    }
                    else
                    {
                        problems.Add(whose + one.Text);
                        unable ??= name;
                    }
                }
            }
            catch (HostException e) when (e.Code == ExitCode.InUse)
            {
                // Its peer has come meanwhile.
                running.Add(name);
            }
            catch (Exception e) when (every && e is IOException or UnauthorizedAccessException)
            {
                problems.Add(whose + e.Message);
                unable ??= name;
            }
        }
        if (!found && problems.Count == 0 && (running.Count == 0 || running.Count < home.Contexts.Count))
        {
            await output.WriteLineAsync(!every ? $"No peer of the context {home.Contexts[0]} has left anything behind." : $"No {(running.Count == 0 ? "" : "other ")}peer has left anything behind.");
        }
        if (unable is not null)
        {
            problems[^1] += home.Advice(unable);
        }
        if (running.Count > 0)
        {
            problems.Add(running is [string one]
                ? $"The peer of the context {one} is running, and puts back what it has changed when it ends. To end it: Ctrl-C where it runs, or tunnelmesh service stop{home.Flags(one)}"
                : $"The peers of the contexts {string.Join(", ", running)} are running, and put back what they have changed when they end. To end them: Ctrl-C where they run, or {string.Join(" and ", running.Select(n => $"tunnelmesh service stop{home.Flags(n)}"))}");
        }
        return problems.Count == 0 ? (int)ExitCode.Ok : throw new HostException(running.Count > 0 ? ExitCode.InUse : ExitCode.General, string.Join(' ', problems));
    }
}
