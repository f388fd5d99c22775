namespace TunnelMesh.Platform.Services;

/// <summary>A service manager that is made to act by programs.</summary>
/// <param name="runner">Runs them.</param>
public abstract class CommandServiceManager(IServiceRunner runner) : ServiceManager
{
    /// <summary>Runs the programs.</summary>
    protected IServiceRunner Runner => runner;

    /// <summary>Has it start the service with the system from now on; nothing is started yet. In order.</summary>
    public abstract IReadOnlyList<IReadOnlyList<string>> Enable(ServiceDefinition service);

    /// <summary>Stops the service and has it start no more. In order, and before its description is removed.</summary>
    public abstract IReadOnlyList<IReadOnlyList<string>> Disable(string name);

    /// <summary>Has the system do nothing at its start any more beside starting the service. In order, and before <see cref="ServiceManager.BootFile"/> is removed.</summary>
    public virtual IReadOnlyList<IReadOnlyList<string>> DisableBoot(string name) => [];

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

    /// <summary>Shows its log.</summary>
    /// <param name="name">Name of the service.</param>
    /// <param name="lines">How many lines from the end.</param>
    /// <param name="follow">Whether to go on with what comes.</param>
    public abstract IReadOnlyList<string> Logs(string name, int lines, bool follow);

    /// <inheritdoc/>
    public override bool Register(ServiceDefinition service, bool force)
    {
        RunAll(Enable(service));
        // What is new to it, the description tells.
        return false;
    }

    /// <inheritdoc/>
    public override void Unregister(string name) => RunAll(Disable(name));

    /// <inheritdoc/>
    public override void UnregisterBoot(string name) => RunAll(DisableBoot(name));

    /// <inheritdoc/>
    public override void Forgotten(string name) => RunAll(Forget(name));

    /// <inheritdoc/>
    public override void StartNow(string name) => runner.Run(Start(name));

    /// <inheritdoc/>
    public override void StopNow(string name) => runner.Run(Stop(name));

    /// <inheritdoc/>
    public override void RestartNow(string name) => RunAll(Restart(name));

    /// <inheritdoc/>
    public override bool ShowStatus(string name, TextWriter output) => runner.Show(Status(name)) == 0;

    /// <inheritdoc/>
    public override Task<bool> ShowLogsAsync(string name, int lines, bool follow, TextWriter output, CancellationToken cancel) =>
        Task.FromResult((follow ? runner.Follow(Logs(name, lines, follow)) : runner.Show(Logs(name, lines, follow))) == 0);

    private void RunAll(IReadOnlyList<IReadOnlyList<string>> steps)
    {
        foreach (IReadOnlyList<string> step in steps)
        {
            runner.Run(step);
        }
    }
}
