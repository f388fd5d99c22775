using System.CommandLine;
using TunnelMesh.Cli.Contexts;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Platform.Services;
using TunnelMesh.Platform.Users;

namespace TunnelMesh.Cli.Commands;

/// <summary>Which service a command is about.</summary>
internal sealed class ServiceTarget
{
    private ServiceTarget()
    {
    }

    /// <summary>The context.</summary>
    public required string Context { get; init; }

    /// <summary>Name of the service.</summary>
    public required string Name { get; init; }

    /// <summary>Who keeps services.</summary>
    public required ServiceManager Manager { get; init; }

    /// <summary>The command line, about the home whose peer is run.</summary>
    public required CommandContext Commands { get; init; }

    /// <summary>The file of secret variables, on the system that is described.</summary>
    public required string EnvironmentFile { get; init; }

    /// <summary>The flags that name it in a line for people to type; empty where they may be left out.</summary>
    public required string Flags { get; init; }

    /// <summary>Whose peer it runs; null for root's, and for a user who is gone.</summary>
    public UnixUser? User { get; init; }

    /// <summary>True for the service of a user.</summary>
    public required bool IsOfUser { get; init; }

    /// <summary>The service of the system.</summary>
    public static ServiceTarget OfSystem(CommandContext commands, ServiceManager manager, string context) => new()
    {
        Context = context,
        Name = ServiceDefinition.NameOf(context),
        Manager = manager,
        Commands = commands,
        EnvironmentFile = manager.EnvironmentFile(context),
        Flags = commands.Flag(context),
        IsOfUser = false,
    };

    /// <summary>The service of a user.</summary>
    /// <param name="commands">The command line, about the home of whoever runs it.</param>
    /// <param name="manager">Who keeps services.</param>
    /// <param name="named">The user's name, as it was given; null for whoever called sudo, or runs this.</param>
    /// <param name="context">The context, or null for the one that the user has in use.</param>
    /// <exception cref="HostException">It cannot be told whose, or there is no such user and no service of his either.</exception>
    public static ServiceTarget OfUser(CommandContext commands, ServiceManager manager, string? named, string? context)
    {
        if (commands.Layout.IsNamed)
        {
            throw new HostException(ExitCode.Usage, "`--user` goes by the home directory of the user, and TUNNELMESH_HOME names another. Leave out one of the two.");
        }
        string name = ServiceUser.Choose(named, commands.Environment.SudoUser, UnixUsers.FindUser(UnixUsers.EffectiveUserId));
        if (UnixUsers.FindUser(name) is not { } user)
        {
            // A user who is gone may leave a service behind, which has to go, too.
            string left = ServiceDefinition.NameOf(context ?? ContextName.Default, name);
            return manager.Exists(left)
                ? Of(null, name, context ?? ContextName.Default, commands)
                : throw new HostException(ExitCode.Usage, $"There is no user {name} on this system. `getent passwd` lists them.");
        }
        ProcessEnvironment environment = commands.Environment.At(user.Home);
        CommandContext theirs = commands.At(environment, new HomeLayout(environment, isRoot: false));
        using ActingUser? acting = ActingUser.Begin(user);
        return Of(user, user.Name, context ?? theirs.Layout.ActiveContext, theirs);

        ServiceTarget Of(UnixUser? whose, string login, string which, CommandContext about) => new()
        {
            Context = which,
            Name = ServiceDefinition.NameOf(which, login),
            Manager = manager,
            Commands = about,
            EnvironmentFile = SystemdManager.EnvironmentFile(which, login),
            Flags = $" --user {login}{(whose is null ? ContextName.Flag(which, ContextName.Default) : about.Flag(which))}",
            User = whose,
            IsOfUser = true,
        };
    }

    /// <summary>The flag that has a command be about a user.</summary>
    /// <param name="what">What it is about then, for people.</param>
    public static Option<string?> UserOption(string what) => new("--user")
    {
        Description = $"{what} (default: who called sudo)",
        HelpName = "NAME",
        Arity = ArgumentArity.ZeroOrOne,
    };

    /// <summary>What killed peers of a context in its home have left.</summary>
    /// <param name="context">The context.</param>
    public LeftBehind Left(string context) => IsOfUser
        ? new(Commands.Layout, context, Act, new HomeLayout(Commands.Environment.At(UnixUsers.FindUser(0)?.Home ?? "/root"), isRoot: true))
        : new(Commands.Layout, context);

    /// <summary>Whether a peer of a context in its home answers at the control socket.</summary>
    /// <param name="context">The context.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<bool> RunsAsync(string context, CancellationToken cancellation)
    {
        try
        {
            using LocalApiClient client = await LocalApiClient.ConnectAsync([Commands.Layout.ControlSocket(context)], cancellation);
            return true;
        }
        catch (PeerNotRunningException)
        {
            return false;
        }
    }

    /// <summary>Has this process look at the home as its user does, until what is returned is disposed of; null where it is the user's already, or root's.</summary>
    public ActingUser? Act() => User is { } user ? ActingUser.Begin(user) : null;
}
