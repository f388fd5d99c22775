using TunnelMesh.Node.LocalApi;
using TunnelMesh.Platform.Services;
using TunnelMesh.Platform.Users;

namespace TunnelMesh.Cli.Hosting;

/// <summary>Whose service is meant by <c>--user</c>, and whether that user can have one. Linux only.</summary>
internal static class ServiceUser
{
    private const string Driver = "/dev/net/tun";

    // Unit files are files (NAME_MAX), and systemd takes no longer name either.
    private const int MaxUnitName = 255;

    /// <summary>The login name that is meant.</summary>
    /// <param name="named">Behind the flag, or null.</param>
    /// <param name="sudo">Who called sudo, or null.</param>
    /// <param name="self">Who runs this process; null for one whom the system does not know.</param>
    /// <exception cref="HostException">Nobody, root, or nothing that may be a name.</exception>
    public static string Choose(string? named, string? sudo, UnixUser? self)
    {
        string? name = named ?? (self is { Id: not 0 } ? self.Name : sudo);
        if (name is null)
        {
            throw new HostException(ExitCode.Usage, "`--user` without a name means the user who called sudo, and nobody did. Name one: --user NAME");
        }
        if (name == "root")
        {
            throw new HostException(ExitCode.Usage, "The service of root is that of the system. Leave out --user, or name another user: --user NAME");
        }
        return name.Length > 0 && !name.Any(c => char.IsControl(c) || c is ':' or '/')
            ? name
            : throw new HostException(ExitCode.Usage, $"`{FailureReport.OneLine(name)}` is no name of a user.");
    }

    /// <summary>Refuses a user who cannot have a service. Looks; nothing in the home is opened.</summary>
    /// <param name="user">Whom.</param>
    /// <param name="layout">Where files of the user lie.</param>
    /// <param name="context">A label.</param>
    /// <exception cref="HostException">Why not, and what to do.</exception>
    public static void Check(UnixUser user, HomeLayout layout, string context)
    {
        if (user.Id == 0)
        {
            throw new HostException(ExitCode.Usage, $"{user.Name} is root by another name, whose service is that of the system. Leave out --user.");
        }
        if (!Path.IsPathRooted(user.Home) || Path.GetFullPath(user.Home) == "/" || !Directory.Exists(user.Home))
        {
            throw new HostException(ExitCode.Configuration, $"The home directory of {user.Name}, `{FailureReport.OneLine(user.Home)}`, does not exist. Make it (mkhomedir_helper {user.Name}), or name another user.");
        }
        foreach (string path in (string[])[user.Home, layout.Home])
        {
            if (UnixUsers.OwnerOf(path) is { } owner && owner != user.Id)
            {
                throw new HostException(ExitCode.Configuration,
                    $"{path} belongs to user {owner}, not to {user.Name}, who could not use it in the service. {(path == user.Home ? "Name another user." : $"If what is in it is meant for {user.Name}: chown -R {user.Name}: {path}")}");
            }
        }
        LocalSocket.CheckPath(layout.ControlSocket(context));
        CheckName(user.Name, context);
    }

    /// <summary>Refuses a service whose name would be too long.</summary>
    /// <exception cref="HostException">It would be.</exception>
    public static void CheckName(string user, string context)
    {
        string name = ServiceDefinition.NameOf(context, user) + ".service";
        if (name.Length > MaxUnitName)
        {
            throw new HostException(ExitCode.Configuration, $"The service would be called {name}, which is {name.Length} bytes long; systemd allows {MaxUnitName}. Use a context with a shorter name.");
        }
    }

    /// <summary>Refuses a user who may not open the driver of interfaces, for which a capability does not stand in. To be called as that user.</summary>
    /// <exception cref="HostException">He may not.</exception>
    public static void CheckDriver(UnixUser user)
    {
        try
        {
            File.OpenHandle(Driver, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite).Dispose();
        }
        catch (UnauthorizedAccessException e)
        {
            throw new HostException(ExitCode.Permission,
                $"{user.Name} may not open {Driver} on this machine. Elsewhere everybody may (udev gives it the mode 0666), since it takes CAP_NET_ADMIN to do anything with it: chmod 0666 {Driver}, and have a rule of udev keep that.", e);
        }
        catch (IOException)
        {
            // There is none: what the peer says when it starts says it better.
        }
    }

    /// <summary>The service by which the system runs a context of this home: the user's own where there is one, else that of the system.</summary>
    /// <param name="layout">Where files lie.</param>
    /// <param name="context">A label.</param>
    public static string ServiceOf(HomeLayout layout, string context)
    {
        if (OperatingSystem.IsLinux() && !layout.IsRoot && !layout.IsNamed && UnixUsers.FindUser(UnixUsers.EffectiveUserId) is { } self)
        {
            string own = ServiceDefinition.NameOf(context, self.Name);
            if (ServiceManager.ForThisSystem(null).Exists(own))
            {
                return own;
            }
        }
        return ServiceDefinition.NameOf(context);
    }
}
