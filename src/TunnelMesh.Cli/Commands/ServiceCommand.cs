using System.CommandLine;
using TunnelMesh.Cli.Contexts;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.Control;
using TunnelMesh.Platform.Services;
using TunnelMesh.Platform.Users;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>service install|uninstall|start|stop|restart|status|logs</c>: has the system run a context's peer.</summary>
internal static class ServiceCommand
{
    private const int DefaultLines = 50, MaxLines = 1_000_000;

    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext commands) => new("service", "Have the system run the peer of a context, from its start on")
    {
        Install(commands), Uninstall(commands),
        Act(commands, "start", "Start the service and wait until the peer is usable", (manager, name) => manager.StartNow(name), "started"),
        Act(commands, "stop", "Stop the service until it is started, or the system starts anew", (manager, name) => manager.StopNow(name), "stopped"),
        Act(commands, "restart", "Stop and start the service", (manager, name) => manager.RestartNow(name), "restarted"),
        Status(commands), Logs(commands), Unit(),
    };

    private static Command Install(CommandContext commands)
    {
        Common options = new(commands);
        Option<bool> force = new("--force") { Description = "Replace a service that this command has written before; another's stays" };
        Command command = new("install", "Make the service, have it start with the system, and start it") { options.Context, options.User, force, options.Root };
        command.SetAction(async (parsed, cancellation) =>
        {
            ServiceTarget target = options.Read(parsed);
            ServiceManager manager = target.Manager;
            string? root = parsed.GetValue(options.Root);
            RequireRoot(commands, root);
            (ServiceSetup setup, ServiceDefinition service) = Describe(parsed, target, root);
            manager.RequireFree(service, parsed.GetValue(force));
            string text = manager.Describe(service);
            string? file = manager.DescriptionFile(service.Name);
            if (file is not null)
            {
                ServiceFiles.CheckDescription(manager, file, text, parsed.GetValue(force));
            }
            if (manager.BootFile(service.Name) is { } boot && manager.DescribeBoot(service) is { } closes)
            {
                ServiceFiles.CheckDescription(manager, boot, closes, parsed.GetValue(force));
            }
            IReadOnlyList<KeyValuePair<string, string>> secrets = setup.Secrets();
            string secretFile = ServiceManager.Below(root, service.EnvironmentFile);
            setup.RequireToken(service, secretFile, secrets);
            if (root is null && !OperatingSystem.IsWindows())
            {
                using ActingUser? acting = target.Act();
                // A unit can only open up what exists.
                foreach (string directory in service.Writable)
                {
                    PrivateDirectory.Make(directory);
                }
            }
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (root is null)
            {
                using ActingUser? acting = OperatingSystem.IsWindows() ? null : target.Act();
                // Whoever has the service join after `leave` has said so by this.
                PeerStore.ForgetLeaving(target.Commands.Layout.ContextDirectory(target.Context));
            }
            ServiceFiles.SetSecrets(secretFile, secrets);
            await output.WriteLineAsync($"{secretFile} {(secrets.Count == 0 ? "is for secret variables; none was set for this command" : $"holds {string.Join(", ", secrets.Select(s => s.Key))}")}.");
            bool changed = secrets.Count > 0;
            if (file is not null)
            {
                changed |= ServiceFiles.WriteDescription(file, text);
                await output.WriteLineAsync($"Wrote {file}.");
            }
            await WriteBootAsync(manager, service, parsed.GetValue(force), output);
            changed |= manager.Register(service, parsed.GetValue(force));
            await output.WriteLineAsync($"The service {service.Name} starts with the system.");
            if (manager.Absence is { } absence)
            {
                await output.WriteLineAsync($"It was not started now. {absence}");
                return (int)ExitCode.Ok;
            }
            if (await IsRunByHandAsync(target, cancellation))
            {
                await output.WriteLineAsync($"It was not started now, because a peer of the context {target.Context} is running already. Stop that one, then: tunnelmesh service start{target.Flags}");
                return (int)ExitCode.Ok;
            }
            // What runs as it is described goes on undisturbed.
            Explain(target, () => Start(manager, service.Name, changed));
            await output.WriteLineAsync($"The service {service.Name} is started.");
            return (int)ExitCode.Ok;
        });
        return command;
    }

    // With the setting that wants it, the unit that closes the way at the start of the system comes and goes.
    private static async Task WriteBootAsync(ServiceManager manager, ServiceDefinition service, bool force, TextWriter output)
    {
        if (manager.BootFile(service.Name) is not { } file)
        {
            return;
        }
        if (manager.DescribeBoot(service) is { } text)
        {
            ServiceFiles.WriteDescription(file, text);
            await output.WriteLineAsync($"Wrote {file}: from the start of the system on nothing leaves until the peer is connected.");
        }
        else if (force && File.Exists(file) && manager.IsOurs(File.ReadAllText(file)))
        {
            manager.UnregisterBoot(service.Name);
            File.Delete(file);
            await output.WriteLineAsync($"Removed {file}, since exit_kill_switch is not set any more.");
        }
    }

    // A user's home is looked at with that user's rights.
    private static (ServiceSetup Setup, ServiceDefinition Service) Describe(ParseResult parsed, ServiceTarget target, string? root)
    {
        CommandContext commands = target.Commands;
        if (target.User is { } user)
        {
            ServiceUser.Check(user, commands.Layout, target.Context);
        }
        else if (target.IsOfUser)
        {
            throw new HostException(ExitCode.Usage, $"The user whose service {target.Name} is, is not on this system any more. To take it away: tunnelmesh service uninstall{target.Flags}");
        }
        using ActingUser? acting = target.Act();
        if (target.User is { } opener && target.Manager.Absence is null)
        {
            ServiceUser.CheckDriver(opener);
        }
        string? config = commands.FindConfig(parsed, target.Context);
        ServiceSetup setup = new()
        {
            Environment = commands.Environment,
            Layout = commands.Layout,
            Settings = commands.LoadSettings(parsed, target.Context),
            ConfigFile = config is null || commands.IsUsual(config, target.Context) ? null : config,
            Context = target.Context,
            Program = Environment.ProcessPath ?? throw new HostException(ExitCode.General, "The system does not say where this program lies. Start it by its full path."),
            ForThisSystem = root is null,
            Manager = target.Manager,
            User = target.User,
        };
        return (setup, setup.Describe());
    }

    private static Command Uninstall(CommandContext commands)
    {
        Common options = new(commands);
        Command command = new("uninstall", "Stop the service and remove it, and put back what a killed peer of it has left; membership and keys stay") { options.Context, options.User, options.Root };
        command.SetAction(async (parsed, cancellation) =>
        {
            ServiceTarget target = options.Read(parsed);
            ServiceManager manager = target.Manager;
            string? root = parsed.GetValue(options.Root);
            RequireRoot(commands, root);
            string name = target.Name;
            string? file = manager.DescriptionFile(name);
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (!(file is null ? manager.Exists(name) : ServiceFiles.IsThere(manager, file)))
            {
                if (manager.PackagedFile(name) is { } packaged)
                {
                    manager.Unregister(name);
                    await output.WriteLineAsync($"The service {name} is stopped, and starts no more with the system. {packaged} belongs to the package and stays.");
                    await UndoAsync(target, root, output, cancellation);
                    return (int)ExitCode.Ok;
                }
                await output.WriteLineAsync($"There is no service {name}, so there was nothing to remove.");
                return (int)ExitCode.Ok;
            }
            manager.Unregister(name);
            if (file is not null)
            {
                File.Delete(file);
            }
            if (manager.BootFile(name) is { } boot && File.Exists(boot) && manager.IsOurs(File.ReadAllText(boot)))
            {
                File.Delete(boot);
            }
            manager.Forgotten(name);
            await output.WriteLineAsync($"The service {name} is stopped and removed.");
            string secrets = ServiceManager.Below(root, target.EnvironmentFile);
            if (target.IsOfUser)
            {
                // Nobody but `install` writes there, and a user who goes leaves no token behind.
                File.Delete(secrets);
            }
            else if (File.Exists(secrets))
            {
                await output.WriteLineAsync($"{secrets} stays, and may hold the token of the mesh: remove it when it is not needed any more.");
            }
            await UndoAsync(target, root, output, cancellation);
            return (int)ExitCode.Ok;
        });
        return command;
    }

    // A peer that is stopped has put everything back by itself; one that was killed, and has not been started again, has not.
    private static async Task UndoAsync(ServiceTarget target, string? root, TextWriter output, CancellationToken cancellation)
    {
        if (root is not null || target is { IsOfUser: true, User: null } || await IsRunByHandAsync(target, cancellation))
        {
            return;
        }
        if (target.Left(target.Context).Undo(output) is { } stays)
        {
            throw new HostException(ExitCode.General,
                $"{stays} The service is stopped all the same. To try again: tunnelmesh cleanup{target.Flags}");
        }
    }

    private static Command Act(CommandContext commands, string verb, string description, Action<ServiceManager, string> act, string done)
    {
        Common options = new(commands);
        Command command = new(verb, description) { options.Context, options.User };
        command.SetAction(async parsed =>
        {
            ServiceTarget target = options.Read(parsed);
            string name = RequireInstalled(target);
            RequireRoot(commands, null);
            Explain(target, () => act(target.Manager, name));
            // A condition of the unit that does not hold is no failure to systemd.
            if (verb != "stop" && target.Manager.IsActive(name) == false)
            {
                throw new HostException(ExitCode.NotRunning,
                    $"The service {name} does not run. If this machine has left the mesh, join again first; else the reason is in its log: tunnelmesh service logs{target.Flags}");
            }
            await parsed.InvocationConfiguration.Output.WriteLineAsync($"The service {name} is {done}.");
            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static Command Status(CommandContext commands)
    {
        Common options = new(commands);
        Command command = new("status", "Show how the service is, by what keeps services here") { options.Context, options.User };
        command.SetAction(parsed =>
        {
            ServiceTarget target = options.Read(parsed);
            string name = RequireInstalled(target);
            return target.Manager.ShowStatus(name, parsed.InvocationConfiguration.Output) ? (int)ExitCode.Ok : (int)ExitCode.NotRunning;
        });
        return command;
    }

    private static Command Logs(CommandContext commands)
    {
        Common options = new(commands);
        Option<bool> follow = new("--follow") { Description = "Go on with what comes, until Ctrl-C" };
        Option<int> lines = new("--lines") { Description = $"How many lines from the end (default: {DefaultLines})", HelpName = "N", DefaultValueFactory = _ => DefaultLines };
        Command command = new("logs", "Show the log of the service") { options.Context, options.User, follow, lines };
        command.SetAction(async (parsed, cancellation) =>
        {
            ServiceTarget target = options.Read(parsed);
            int count = parsed.GetValue(lines);
            if (count is < 0 or > MaxLines)
            {
                throw new HostException(ExitCode.Usage, $"--lines takes 0 to {MaxLines}.");
            }
            string name = RequireInstalled(target);
            return await target.Manager.ShowLogsAsync(name, count, parsed.GetValue(follow), parsed.InvocationConfiguration.Output, cancellation) ? (int)ExitCode.Ok : (int)ExitCode.General;
        });
        return command;
    }

    // For whoever makes packages, of which each carries what the program itself would write.
    private static Command Unit()
    {
        Command command = new("unit", "Print the unit of systemd that packages carry") { Hidden = true };
        command.SetAction(parsed =>
        {
            parsed.InvocationConfiguration.Output.Write(SystemdUnit.Write(ServiceSetup.Packaged(), SystemdUnit.PackagedMarker));
            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static string RequireInstalled(ServiceTarget target)
    {
        (ServiceManager manager, string name) = (target.Manager, target.Name);
        if (manager.Absence is { } absence)
        {
            throw new HostException(ExitCode.NotRunning, absence);
        }
        return manager.Exists(name) || manager.PackagedFile(name) is not null ? name : throw new HostException(ExitCode.NotRunning,
            $"There is no service {name}{(manager.DescriptionFile(name) is { } file ? $" ({file} does not exist)" : "")}. Make it: {(target.IsOfUser ? "sudo " : "")}tunnelmesh service install{target.Flags}");
    }

    private static void RequireRoot(CommandContext commands, string? root)
    {
        if (root is null && !commands.Layout.IsRoot)
        {
            throw new HostException(ExitCode.Permission, "Services of the system are changed by root only. Run this as root (Windows: as an administrator).");
        }
    }

    // One that the service runs itself is restarted with it.
    private static async Task<bool> IsRunByHandAsync(ServiceTarget target, CancellationToken cancellation) =>
        await target.RunsAsync(target.Context, cancellation) && target.Manager.IsActive(target.Name) != true;

    private static void Start(ServiceManager manager, string name, bool anew)
    {
        if (anew)
        {
            manager.RestartNow(name);
        }
        else
        {
            manager.StartNow(name);
        }
    }

    private static void Explain(ServiceTarget target, Action act)
    {
        try
        {
            act();
        }
        catch (ServiceException e) when (e.Problem == ServiceProblem.Other)
        {
            throw new ServiceException($"{e.Message.TrimEnd('.')}. Why, is in its log: tunnelmesh service logs{target.Flags}", e);
        }
    }

    // What every one of these commands takes.
    private sealed class Common(CommandContext commands)
    {
        public Option<string> Context { get; } = commands.ContextOption();
        public Option<string?> User { get; } = ServiceTarget.UserOption("The service that runs the peer of a user, who is not root; systemd only");
        // For images of systems, and for tests: files go below a directory, and nothing is run.
        public Option<string?> Root { get; } = new("--root") { Description = "Write below this directory, and start nothing", Hidden = true, HelpName = "DIR" };

        public ServiceTarget Read(ParseResult parsed)
        {
            bool user = parsed.GetResult(User) is { Implicit: false };
            if (user && !OperatingSystem.IsLinux())
            {
                throw new HostException(ExitCode.Permission,
                    "A service of a user cannot run a peer here: only root (Windows: an administrator) may make the interface of the mesh. Leave out --user, and run this as root.");
            }
            string context = ContextName.Require(parsed.GetValue(Context)!);
            if (OperatingSystem.IsWindows() && parsed.GetResult(Root) is not null)
            {
                throw new HostException(ExitCode.Usage, "--root is for systems that are described by files; Windows keeps a list.");
            }
            ServiceManager manager = ServiceManager.ForThisSystem(parsed.GetResult(Root) is null ? null : parsed.GetValue(Root));
            return user
                ? ServiceTarget.OfUser(commands, manager, parsed.GetValue(User), parsed.GetResult(Context) is { Implicit: false } ? context : null)
                : ServiceTarget.OfSystem(commands, manager, context);
        }
    }
}
