namespace TunnelMesh.Platform.Services;

/// <summary>What keeps services on one operating system: where it is told of them, and how it is made to act.</summary>
public abstract class ServiceManager
{
    /// <summary>The one of this system.</summary>
    /// <param name="root">Files go below this directory, whose services are not run; null for the system itself.</param>
    public static ServiceManager ForThisSystem(string? root) =>
        OperatingSystem.IsWindows() ? new WindowsManager(new WindowsServiceControl(), TimeProvider.System) : OperatingSystem.IsMacOS() ? new LaunchdManager(root) : new SystemdManager(root);

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

    /// <summary>The file that has the system close the way to the internet before there is a network (<see cref="ServiceDefinition.AtBoot"/>); null where it cannot.</summary>
    /// <param name="name">Name of the service.</param>
    public virtual string? BootFile(string name) => null;

    /// <summary>What is written there; null for nothing.</summary>
    /// <param name="service">The service.</param>
    /// <exception cref="ServiceException">A path or argument cannot be written.</exception>
    public virtual string? DescribeBoot(ServiceDefinition service) => null;

    /// <summary>What is written there.</summary>
    /// <param name="service">The service.</param>
    /// <exception cref="ServiceException">A path or argument cannot be written.</exception>
    public abstract string Describe(ServiceDefinition service);

    /// <summary>True for a text that <see cref="Describe"/> made.</summary>
    /// <param name="text">The whole file.</param>
    public abstract bool IsOurs(string text);

    /// <summary>Before anything is written, where the manager has a list of its own: throws unless the service may be registered.</summary>
    /// <param name="service">The service.</param>
    /// <param name="force">Whether one of ours that differs may be replaced.</param>
    /// <exception cref="ServiceException">One of the name is another's, or differs.</exception>
    public virtual void RequireFree(ServiceDefinition service, bool force)
    {
    }

    /// <summary>Has it start the service with the system from now on; nothing is started yet, and the description is written already.</summary>
    /// <param name="service">The service.</param>
    /// <param name="force">See <see cref="RequireFree"/>.</param>
    /// <returns>False when it was so already, as far as the manager tells.</returns>
    /// <exception cref="ServiceException">It refused, or another's service has the name.</exception>
    public abstract bool Register(ServiceDefinition service, bool force);

    /// <summary>Stops the service and has it start no more, before its description is removed.</summary>
    /// <exception cref="ServiceException">It refused, or the service is another's.</exception>
    public abstract void Unregister(string name);

    /// <summary>Has the system do nothing at its start any more beside starting the service, before <see cref="BootFile"/> is removed.</summary>
    /// <exception cref="ServiceException">It refused.</exception>
    public virtual void UnregisterBoot(string name)
    {
    }

    /// <summary>After the description has been removed.</summary>
    /// <exception cref="ServiceException">It refused.</exception>
    public virtual void Forgotten(string name)
    {
    }

    /// <summary>Starts it; nothing happens when it runs.</summary>
    /// <exception cref="ServiceException">It refused, or the service ended at once.</exception>
    public abstract void StartNow(string name);

    /// <summary>Stops it and waits until it has; nothing happens when it does not run.</summary>
    /// <exception cref="ServiceException">It refused, or did not end in time.</exception>
    public abstract void StopNow(string name);

    /// <summary>Stops and starts it, or starts it when it did not run.</summary>
    /// <exception cref="ServiceException">It refused.</exception>
    public abstract void RestartNow(string name);

    /// <summary>Shows how it is.</summary>
    /// <returns>True when it runs.</returns>
    /// <exception cref="ServiceException">It cannot be asked.</exception>
    public abstract bool ShowStatus(string name, TextWriter output);

    /// <summary>Shows its log.</summary>
    /// <param name="name">Name of the service.</param>
    /// <param name="lines">How many lines from the end.</param>
    /// <param name="follow">Whether to go on with what comes.</param>
    /// <param name="output">Where to, unless a program shows it.</param>
    /// <param name="cancel">Ends that.</param>
    /// <returns>False when what shows it failed, and said so.</returns>
    /// <exception cref="ServiceException">There is no log.</exception>
    public abstract Task<bool> ShowLogsAsync(string name, int lines, bool follow, TextWriter output, CancellationToken cancel);

    /// <summary>The file that holds the log of a service; null where the system keeps logs elsewhere.</summary>
    public virtual string? LogFile(string name) => null;

    /// <summary>Whether there is such a service, be it ours or not.</summary>
    public virtual bool Exists(string name) => DescriptionFile(name) is { } file && File.Exists(file);

    /// <summary>Whether the service runs; null where nobody can be asked. Asks the system.</summary>
    /// <param name="name">Name of the service.</param>
    public virtual bool? IsActive(string name) => null;

    /// <summary>A path of the system, below the scratch root where there is one.</summary>
    public static string Below(string? root, string path) => root is null ? path : Path.Join(Path.GetFullPath(root), path);
}
