using System.Text;
using TunnelMesh.Cli.Contexts;
using TunnelMesh.Platform.Files;

namespace TunnelMesh.Cli.Hosting;

/// <summary>Where the files of a peer lie.</summary>
/// <param name="environment">The environment.</param>
/// <param name="isRoot">True for user 0, and for an administrator of Windows.</param>
internal sealed class HomeLayout(ProcessEnvironment environment, bool isRoot)
{
    private const int MaxActiveBytes = 4096;
    private const string Ways = "Set HOME to a directory that exists, or TUNNELMESH_HOME to one for the files of this program, by its whole path.";
    private string? _home;

    /// <summary>True for user 0, and for an administrator of Windows.</summary>
    public bool IsRoot => isRoot;

    /// <summary>True where TUNNELMESH_HOME names the directory, so that it is not simply the user's.</summary>
    public bool IsNamed => environment.Home is not null;

    /// <summary>Directory of identity and contexts, whole; it need not exist yet.</summary>
    /// <exception cref="HostException">No directory can be there. Commands that need none never ask.</exception>
    public string Home => _home ??= FindHome();

    /// <summary>The identity key unless configured otherwise.</summary>
    public string IdentityKey => Path.Combine(Home, "id_ed25519");

    /// <summary>The file that names the active context.</summary>
    public string ActiveFile => Path.Combine(Home, "active-context");

    /// <summary>The context that counts when none is named: the one that `context use` chose, else <c>default</c>. Read anew each time, since others may choose.</summary>
    public string ActiveContext
    {
        get
        {
            try
            {
                // Root asks for that of a user, too.
                string chosen = Encoding.UTF8.GetString(RegularFile.Read(ActiveFile, MaxActiveBytes)).Trim('\uFEFF').Trim();
                return ContextName.IsValid(chosen) ? chosen : ContextName.Default;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or HostException)
            {
                return ContextName.Default;
            }
        }
    }

    /// <summary>Directory of a context: device key, cached map, its configuration.</summary>
    public string ContextDirectory(string context) => Path.Combine(Home, "contexts", ContextName.Require(context));

    /// <summary>Configuration of a context.</summary>
    public string ContextConfig(string context) => Path.Combine(ContextDirectory(context), "config.yaml");

    /// <summary>Where the peer of a context notes what it changes for exit traffic.</summary>
    public string ExitJournal(string context) => Path.Combine(ContextDirectory(context), "exit.json");

    /// <summary>A path from the configuration: <c>~/</c> is the user's home, and an empty one stands for <paramref name="fallback"/>.</summary>
    public string Expand(string configured, string fallback) =>
        configured.Length == 0 ? fallback
        : configured.StartsWith("~/", StringComparison.Ordinal) ? Path.Combine(UserHome, configured[2..])
        : Path.GetFullPath(configured);

    /// <summary>Where a peer of this process opens its control socket.</summary>
    public string ControlSocket(string context) => environment.Home is null && isRoot ? ServiceSocket(context) : OwnSocket(context);

    /// <summary>Where a client looks for a running peer, best first.</summary>
    public IReadOnlyList<string> ControlSockets(string context) =>
        environment.Home is not null ? [OwnSocket(context)]
        : isRoot ? [ServiceSocket(context)]
        // An account without a home, such as one that watches over the machine, may ask the system's peer.
        : UserHomeProblem is not null && File.Exists(ServiceSocket(context)) ? [ServiceSocket(context)]
        : [OwnSocket(context), ServiceSocket(context)];

    /// <summary>Contexts whose peers the system runs for every user, by their control sockets; none where the home is one of its own.</summary>
    public IReadOnlyList<string> ServedContexts()
    {
        try
        {
            return environment.Home is not null || !Directory.Exists(ServiceDirectory)
                ? []
                : [.. Directory.GetFiles(ServiceDirectory, "*.sock").Select(f => Path.GetFileNameWithoutExtension(f)!).Where(ContextName.IsValid)];
        }
        catch (UnauthorizedAccessException)
        {
            return [];
        }
    }

    private string UserHome => UserHomeProblem is { } problem ? throw new HostException(ExitCode.Configuration, problem) : environment.UserHome;

    // What is taken for relative to the current directory would be made wherever a command is given, or found there from somebody else.
    private string? UserHomeProblem =>
        environment.UserHome.Length == 0 ? $"HOME is not set, and the system knows no home directory of this user. {Ways}"
        : !Path.IsPathFullyQualified(environment.UserHome) ? $"HOME is `{environment.UserHome}`, which is another directory wherever a command is given. {Ways}"
        : !Directory.Exists(environment.UserHome) ? $"The home directory {environment.UserHome} does not exist. {Ways}"
        : null;

    private string FindHome()
    {
        if (environment.Home is { } named && !Path.IsPathFullyQualified(named))
        {
            throw new HostException(ExitCode.Configuration, $"TUNNELMESH_HOME is `{named}`, which is another directory wherever a command is given. Set it to the whole path of a directory.");
        }
        string home = Path.GetFullPath(environment.Home ?? Path.Combine(UserHome, ".tunnelmesh"));
        for (string? above = home; above is not null && !Directory.Exists(above); above = Path.GetDirectoryName(above))
        {
            if (File.Exists(above))
            {
                throw new HostException(ExitCode.Configuration,
                    $"{above} is no directory, so {(above == home ? "the files of this program cannot lie in it" : $"{home} cannot lie in it")}. {(IsNamed ? "Set TUNNELMESH_HOME to the path of a directory" : "Move it away, or set TUNNELMESH_HOME to the path of a directory")}.");
            }
        }
        return home;
    }

    // On Windows the directory decides who may use the socket, so it is one of its own.
    private string OwnSocket(string context) => Path.Combine(Home, OperatingSystem.IsWindows() ? "run" : "", ContextName.Require(context) + ".sock");

    private static string ServiceSocket(string context) => Path.Combine(ServiceDirectory, ContextName.Require(context) + ".sock");

    /// <summary>What peers of root share on this machine, whatever their homes are.</summary>
    public static string ServiceDirectory =>
        OperatingSystem.IsWindows() ? Path.Combine(System.Environment.GetFolderPath(System.Environment.SpecialFolder.CommonApplicationData), "TunnelMesh")
        // macOS has no /run, and lets nobody make one.
        : OperatingSystem.IsMacOS() ? "/var/run/tunnelmesh"
        : "/run/tunnelmesh";
}
