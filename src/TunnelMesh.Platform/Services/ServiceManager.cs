namespace TunnelMesh.Platform.Services;

/// <summary>What keeps services on one operating system: where it is told of them, and which commands have it act. Describes only; nothing here runs anything.</summary>
public abstract class ServiceManager
{
    /// <summary>The one of this system.</summary>
    /// <param name="root">Files go below this directory, whose services are not run; null for the system itself.</param>
    public static ServiceManager ForThisSystem(string? root) =>
        OperatingSystem.IsWindows() ? new WindowsManager() : OperatingSystem.IsMacOS() ? new LaunchdManager(root) : new SystemdManager(root);

    /// <summary>Its name, for people.</summary>
    public abstract string Name { get; }

    /// <summary>Why it cannot be asked to act now, and what to do instead; null when it can.</summary>
    public abstract string? Absence { get; }

    /// <summary>Where secret variables of a context's service are kept.</summary>
    /// <param name="context">A label.</param>
    public abstract string EnvironmentFile(string context);

    /// <summary>The file that describes a service, or null where there is none but the manager's own list.</summary>
    /// <param name="name">Name of the service.</param>
    public abstract string? DescriptionFile(string name);

    /// <summary>The description of a service that a package of the system has brought along, or null where none has. Looks.</summary>
    /// <param name="name">Name of the service.</param>
    public virtual string? PackagedFile(string name) => null;

    /// <summary>What is written there.</summary>
    /// <param name="service">The service.</param>
    /// <exception cref="ServiceException">A path or argument cannot be written.</exception>
    public abstract string Describe(ServiceDefinition service);

    /// <summary>True for a text that <see cref="Describe"/> made.</summary>
    /// <param name="text">The whole file.</param>
    public abstract bool IsOurs(string text);

    /// <summary>Has it start the service with the system from now on; nothing is started yet. In order.</summary>
    public abstract IReadOnlyList<IReadOnlyList<string>> Enable(ServiceDefinition service);

    /// <summary>Stops the service and has it start no more. In order, and before its description is removed.</summary>
    public abstract IReadOnlyList<IReadOnlyList<string>> Disable(string name);

    /// <summary>After the description has been removed.</summary>
    public abstract IReadOnlyList<IReadOnlyList<string>> Forget(string name);

    /// <summary>Starts it.</summary>
    public abstract IReadOnlyList<string> Start(string name);

    /// <summary>Stops it.</summary>
    public abstract IReadOnlyList<string> Stop(string name);

    /// <summary>Stops and starts it, or starts it when it did not run.</summary>
    public abstract IReadOnlyList<IReadOnlyList<string>> Restart(string name);

    /// <summary>Shows how it is; ends with 0 when it runs.</summary>
    public abstract IReadOnlyList<string> Status(string name);

    /// <summary>Shows its log; null where nobody keeps one.</summary>
    /// <param name="name">Name of the service.</param>
    /// <param name="lines">How many lines from the end.</param>
    /// <param name="follow">Whether to go on with what comes.</param>
    public abstract IReadOnlyList<string>? Logs(string name, int lines, bool follow);

    /// <summary>Whether the service runs; null where nobody can be asked. Asks the system.</summary>
    /// <param name="name">Name of the service.</param>
    public virtual bool? IsActive(string name) => null;

    /// <summary>A path of the system, below the scratch root where there is one.</summary>
    public static string Below(string? root, string path) => root is null ? path : Path.Join(Path.GetFullPath(root), path);
}
