using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Contexts;
using TunnelMesh.Coordinator.Certificates;
using TunnelMesh.Node.Control;
using TunnelMesh.Platform.Services;
using TunnelMesh.Platform.Users;

namespace TunnelMesh.Cli.Hosting;

/// <summary>Works out from a context what its service has to be.</summary>
internal sealed class ServiceSetup
{
    // What a hardened unit hides, and what others may write to or that goes with a restart of the machine.
    private static readonly string[] Homes = ["/home", "/root", "/run/user"], Passing = ["/tmp", "/var/tmp", "/run", "/dev/shm"];

    // For a program that no package has brought, best first.
    private static readonly string[] Places = ["/usr/local/bin", "/opt/tunnelmesh"];

    private const string PackagedVariables = "/etc/tunnelmesh/env.conf", PackagedHome = "/root/.tunnelmesh", PackagedContext = PackagedHome + "/contexts/" + ContextName.Default;

    /// <summary>The environment of the command.</summary>
    public required ProcessEnvironment Environment { get; init; }
    /// <summary>Where files lie.</summary>
    public required HomeLayout Layout { get; init; }
    /// <summary>The configuration that holds for the context.</summary>
    public required Settings Settings { get; init; }
    /// <summary>The configuration file in use, when `join` would not find it by itself; else null.</summary>
    public string? ConfigFile { get; init; }
    /// <summary>The context.</summary>
    public required string Context { get; init; }
    /// <summary>This program.</summary>
    public required string Program { get; init; }
    /// <summary>False for files below a scratch root: they are not run from here.</summary>
    public required bool ForThisSystem { get; init; }
    /// <summary>Who keeps services.</summary>
    public required ServiceManager Manager { get; init; }
    /// <summary>Whose peer it runs, as that user; null for root's.</summary>
    public UnixUser? User { get; init; }

    /// <summary>Describes the service.</summary>
    /// <exception cref="HostException">The context is a member of no mesh and nothing says which to join, or the program lies where no service should be run from.</exception>
    /// <exception cref="PeerStoreException">The membership is damaged.</exception>
    public ServiceDefinition Describe()
    {
        if (ForThisSystem)
        {
            RequireSafeProgram(Program, OperatingSystem.IsLinux() ? UnixUsers.StatusOf : null);
        }
        string directory = Layout.ContextDirectory(Context);
        RequireOwn(directory);
        PeerMembership? membership = Directory.Exists(directory) ? new PeerStore(directory, TimeProvider.System).LoadMembership() : null;
        string? server = Environment.Server ?? (membership is null || Serves(membership) ? null : membership.Server);
        if (membership is null && server is null && Settings.CoordinatorEnabled is not true)
        {
            throw User is { } stranger ? NoMember(stranger) : new HostException(ExitCode.NotRunning,
                $"The context {Context} is a member of no mesh. {OtherMembers()}Join once, `tunnelmesh join HOST:PORT --context {Context}`, stop it with Ctrl-C, and install then. " +
                "To have the service join by itself, set TUNNELMESH_SERVER and TUNNELMESH_TOKEN for this command; to found a mesh, set coordinator.enabled in the configuration.");
        }
        if (User is not null)
        {
            RequireOfUser(User, serves: server is null);
        }
        List<string> arguments = ["join"];
        if (server is not null)
        {
            arguments.Add(server);
        }
        arguments.AddRange(["--context", Context]);
        if (membership is not null && Settings.Name.Length == 0)
        {
            // The name may have come from a flag of the first join.
            arguments.AddRange(["--name", membership.Device.Name]);
        }
        string key = Layout.Expand(Settings.PrivateKey, Layout.IdentityKey);
        List<string> readable = [];
        if (ConfigFile is { } config)
        {
            string full = Path.GetFullPath(config);
            arguments.AddRange(["--config", full]);
            Open(readable, full);
        }
        if (Settings.PrivateKey.Length > 0)
        {
            Open(readable, key);
        }
        if (User is not null && Homes.Any(d => IsBelow(User.Home, d)))
        {
            readable.Add(User.Home);
        }
        return new ServiceDefinition
        {
            Name = User is null ? ServiceDefinition.NameOf(Context) : ServiceDefinition.NameOf(Context, User.Name),
            Account = User is null ? null : new ServiceAccount(User.Name, User.Id, User.Home),
            Context = Context,
            Program = Program,
            Arguments = arguments,
            Environment = [Environment.Home is null ? new("HOME", Environment.UserHome) : new("TUNNELMESH_HOME", Layout.Home)],
            EnvironmentFile = User is null ? Manager.EnvironmentFile(Context) : SystemdManager.EnvironmentFile(Context, User.Name),
            // One that joins by itself would come back after `leave`.
            OnlyWhenExists = membership is null ? null : Path.Combine(directory, "mesh.json"),
            NotWhenExists = membership is null ? Path.Combine(directory, PeerStore.LeftFile) : null,
            Writable = server is null ? [Layout.Home, Path.GetFullPath(Settings.CoordinatorDataDir)] : [Layout.Home],
            Readable = readable,
            Group = OperatingSystem.IsWindows() || User is not null ? null : UnixUsers.FindGroup("tunnelmesh") is null ? null : "tunnelmesh",
            ChangesKernelSettings = Settings.AllowExitTraffic || Settings.ExitPeer.Length > 0,
            AtBoot = User is null && Settings is { ExitPeer.Length: > 0, ExitKillSwitch: true } ? ["exit", "close", "--context", Context, .. ConfigFile is null ? (string[])[] : ["--config", Path.GetFullPath(ConfigFile)]] : null,
            CompilesAtRunTime = RuntimeFeature.IsDynamicCodeCompiled,
        };
    }

    /// <summary>
    /// Describes the service that a package brings along: of the context <c>default</c> of root, where `join` by hand keeps it too. What it joins stands in its file of variables,
    /// and without that file nothing is started: a package that was merely installed must not found a mesh.
    /// </summary>
    public static ServiceDefinition Packaged() => new()
    {
        Name = ServiceDefinition.NameOf(ContextName.Default),
        Context = ContextName.Default,
        Program = "/usr/bin/tunnelmesh",
        Arguments = ["join", "--context", ContextName.Default],
        Environment = [new("HOME", "/root")],
        EnvironmentFile = PackagedVariables,
        OnlyWhenExists = PackagedVariables,
        NotWhenExists = $"{PackagedContext}/{PeerStore.LeftFile}",
        Writable = [PackagedHome, new Settings().CoordinatorDataDir],
        MadeBeforeStart = PackagedHome,
        Group = "tunnelmesh",
        CompilesAtRunTime = RuntimeFeature.IsDynamicCodeCompiled,
    };

    /// <summary>The variables that the service needs and nobody else may see: those of this command that `join` reads.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Secrets()
    {
        List<KeyValuePair<string, string>> secrets = [];
        Add("TUNNELMESH_TOKEN", Environment.Token);
        Add("TUNNELMESH_LOG_LEVEL", Environment.LogLevel);
        foreach (string name in (string[])["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"])
        {
            Add(name, Environment.Proxy(name));
        }
        return secrets;

        void Add(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                secrets.Add(new(name, value));
            }
        }
    }

    /// <summary>Refuses a service that would have to join and has no token to do it with.</summary>
    /// <param name="service">The service.</param>
    /// <param name="file">The file of secret variables, which may hold one from before.</param>
    /// <param name="secrets">What is going to be set in it.</param>
    public void RequireToken(ServiceDefinition service, string file, IReadOnlyList<KeyValuePair<string, string>> secrets)
    {
        if (Environment.Server is { } server && service.OnlyWhenExists is null
            && !secrets.Any(s => s.Key == "TUNNELMESH_TOKEN") && !(File.Exists(file) && EnvironmentText.Has(File.ReadAllText(file), "TUNNELMESH_TOKEN")))
        {
            throw new HostException(ExitCode.Configuration,
                $"The service is to join {server}, and TUNNELMESH_TOKEN is not set. Set it to a token of the mesh for this command, which keeps it in {file}, readable by root alone.");
        }
    }

    /// <summary>Refuses a program that others than root could replace, or that is gone after a restart.</summary>
    /// <param name="program">Full path.</param>
    /// <param name="look">Tells of files, as <see cref="UnixUsers.StatusOf"/> does; null where the system does not say whose they are.</param>
    internal static void RequireSafeProgram(string program, Func<string, UnixFileStatus?>? look)
    {
        if (OperatingSystem.IsWindows())
        {
            string[] folders = [System.Environment.GetFolderPath(System.Environment.SpecialFolder.ProgramFiles), System.Environment.GetFolderPath(System.Environment.SpecialFolder.ProgramFilesX86)];
            if (!WindowsServicePaths.IsSafe(program, folders))
            {
                throw new HostException(ExitCode.Configuration,
                    $"A service of SYSTEM must not run {program}, which lies where others may change it. Put it into {folders[0]}\\TunnelMesh first, with wintun.dll beside it, and install from there.");
            }
        }
        if (!OperatingSystem.IsWindows() && Homes.Concat(Passing).Any(d => IsBelow(program, d)))
        {
            throw new HostException(ExitCode.Configuration,
                $"A service of root must not run {program}, which lies where others may change it or where nothing stays. First {PutElsewhere(program, look)}");
        }
        if (look is not null && RootOnly.FaultOf(program, look, out string where) is { } fault)
        {
            throw new HostException(ExitCode.Configuration,
                $"A service of root must not run {program}: {where} {fault}, so others than root could have it run another program. If it is meant to be root's alone: chown root: {where} && chmod go-w {where}. " +
                $"Otherwise {PutElsewhere(program, look)}");
        }
    }

    // Some systems let a group write to /usr/local (Debian's staff), whose members need not be root.
    private static string PutElsewhere(string program, Func<string, UnixFileStatus?>? look) =>
        Array.Find(Places, p => $"{p}/tunnelmesh" != program && (look is null || RootOnly.FaultOf(Existing(p, look), look, out _) is null)) is { } place
            ? $"put the program elsewhere: install {(place == Places[0] ? "" : "-D ")}-m 755 {program} {place}/tunnelmesh && {place}/tunnelmesh service install"
            : $"put the program where nobody but root may write, to no directory on the way there either, and install from there; {string.Join(" and ", Places)} are no such places on this machine.";

    // What is not there yet is made by root.
    private static string Existing(string directory, Func<string, UnixFileStatus?> look) =>
        directory == "/" || look(directory) is not null ? directory : Existing(Path.GetDirectoryName(directory)!, look);

    // Without the right to pass over file modes, root reads what is its own, and a user what is his.
    private void RequireOwn(string directory)
    {
        string key = Layout.Expand(Settings.PrivateKey, Layout.IdentityKey);
        foreach (string path in (string[])[Layout.Home, directory, key])
        {
            if ((Layout.IsRoot || User is not null) && UnixUsers.OwnerOf(path) is { } owner && owner != (User?.Id ?? 0))
            {
                throw new HostException(ExitCode.Configuration, User is null
                    ? $"{path} belongs to user {owner}, and the service, which is root without the right to pass over file modes, could not read it. Give it to root, `chown -R root: {path}`, or join as root with a home of its own."
                    : $"{path} belongs to user {owner}, and the service runs as {User.Name}. If it is meant for {User.Name}: chown -R {User.Name}: {path}");
            }
        }
    }

    private void RequireOfUser(UnixUser user, bool serves)
    {
        if (Settings.AllowExitTraffic || Settings.ExitPeer.Length > 0)
        {
            throw new HostException(ExitCode.Configuration,
                $"{(Settings.AllowExitTraffic ? "allow_exit_traffic" : "exit_peer")} is set for the context {Context} of {user.Name}. Exit traffic changes settings of the kernel for everybody on this machine, which a service of a user may not: " +
                "take the key out, or have root's peer do it, by a service without --user.");
        }
        if (serves && !IsBelow(Path.GetFullPath(Settings.CoordinatorDataDir), user.Home))
        {
            throw new HostException(ExitCode.Configuration,
                $"As a coordinator the service of {user.Name} would keep its state in {Settings.CoordinatorDataDir}, where that user may not write. Set coordinator.data_dir in its configuration to a directory below {user.Home}.");
        }
    }

    private HostException NoMember(UnixUser user) => new(ExitCode.NotRunning,
        $"The context {Context} of {user.Name} is a member of no mesh. {OtherMembers()}Say which to join, and pass it through sudo: export TUNNELMESH_SERVER=HOST:PORT TUNNELMESH_TOKEN=...; " +
        $"sudo --preserve-env=TUNNELMESH_SERVER,TUNNELMESH_TOKEN tunnelmesh service install --user {user.Name} --context {Context}");

    // Whoever joined with --context may have left it out here.
    private string OtherMembers()
    {
        ContextStore contexts = new(Layout);
        string[] members = [.. contexts.Names().Where(n => n != Context && contexts.Membership(n) is not null)];
        return members.Length == 0 ? "" : $"These are members: {string.Join(", ", members)}; for one of them: tunnelmesh service install{(User is null ? "" : $" --user {User.Name}")} --context {members[0]}. ";
    }

    private static bool IsBelow(string path, string directory) => path.StartsWith(directory + "/", StringComparison.Ordinal);

    private void Open(List<string> readable, string path)
    {
        if (!Homes.Concat(Passing).Any(d => IsBelow(path, d)) || (User is not null && IsBelow(path, User.Home)))
        {
            return;
        }
        if (User is not null)
        {
            // Opened up by systemd, it would be followed wherever it leads, with all rights.
            throw new HostException(ExitCode.Configuration, $"The service of {User.Name} does not see {path}. Put it below {User.Home}; {Layout.ContextConfig(Context)} is read without being named.");
        }
        readable.Add(path);
    }

    // A coordinator's own membership is of the mesh whose authority lies here.
    private bool Serves(PeerMembership membership)
    {
        string root = Path.Combine(Settings.CoordinatorDataDir, "ca", MeshAuthority.RootFileName);
        if (Settings.CoordinatorEnabled is false || !File.Exists(root))
        {
            return false;
        }
        using X509Certificate2 certificate = X509CertificateLoader.LoadCertificateFromFile(root);
        return certificate.RawData.AsSpan().SequenceEqual(membership.MeshRoot);
    }
}
