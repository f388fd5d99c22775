using TunnelMesh.Cli.Configuration;

namespace TunnelMesh.Cli.Hosting;

/// <summary>Where the files of a peer lie.</summary>
/// <param name="environment">The environment.</param>
/// <param name="isRoot">True for user 0, and for an administrator of Windows.</param>
internal sealed class HomeLayout(ProcessEnvironment environment, bool isRoot)
{
    /// <summary>The context that counts when none is named.</summary>
    public const string DefaultContext = "default";

    /// <summary>True for user 0, and for an administrator of Windows.</summary>
    public bool IsRoot => isRoot;

    /// <summary>Directory of identity and contexts.</summary>
    public string Home { get; } = Path.GetFullPath(environment.Home ?? Path.Combine(environment.UserHome, ".tunnelmesh"));

    /// <summary>The identity key unless configured otherwise.</summary>
    public string IdentityKey => Path.Combine(Home, "id_ed25519");

    /// <summary>Directory of a context: device key, cached map, its configuration.</summary>
    public string ContextDirectory(string context) => Path.Combine(Home, "contexts", Check(context));

    /// <summary>Configuration of a context.</summary>
    public string ContextConfig(string context) => Path.Combine(ContextDirectory(context), "config.yaml");

    /// <summary>A path from the configuration: <c>~/</c> is the user's home, and an empty one stands for <paramref name="fallback"/>.</summary>
    public string Expand(string configured, string fallback) =>
        configured.Length == 0 ? fallback
        : configured.StartsWith("~/", StringComparison.Ordinal) ? Path.Combine(environment.UserHome, configured[2..])
        : Path.GetFullPath(configured);

    /// <summary>Where a peer of this process opens its control socket.</summary>
    public string ControlSocket(string context) => environment.Home is null && isRoot ? ServiceSocket(context) : OwnSocket(context);

    /// <summary>Where a client looks for a running peer, best first.</summary>
    public IReadOnlyList<string> ControlSockets(string context) =>
        environment.Home is not null ? [OwnSocket(context)]
        : isRoot ? [ServiceSocket(context)]
        : [OwnSocket(context), ServiceSocket(context)];

    // On Windows the directory decides who may use the socket, so it is one of its own.
    private string OwnSocket(string context) => Path.Combine(Home, OperatingSystem.IsWindows() ? "run" : "", Check(context) + ".sock");

    private static string ServiceSocket(string context) => Path.Combine(ServiceDirectory, Check(context) + ".sock");

    // macOS has no /run, and lets nobody make one.
    private static string ServiceDirectory =>
        OperatingSystem.IsWindows() ? Path.Combine(System.Environment.GetFolderPath(System.Environment.SpecialFolder.CommonApplicationData), "TunnelMesh")
        : OperatingSystem.IsMacOS() ? "/var/run/tunnelmesh"
        : "/run/tunnelmesh";

    // A context becomes a file name, so nothing but a label may be one.
    private static string Check(string context) => ConfigKeys.IsLabel(context)
        ? context
        : throw new ConfigException($"`{context}` is no name for a context: use letters, digits and hyphens, at most 63.");
}
