using System.Globalization;

namespace TunnelMesh.Platform.Services;

/// <summary>The service control manager of Windows. Written from its documentation, and not yet run.</summary>
internal sealed class WindowsManager(IWindowsServiceControl control, TimeProvider time) : ServiceManager
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250), StopPatience = TimeSpan.FromSeconds(30);
    // More than the service itself waits, so that its own words are heard.
    private static readonly TimeSpan StartPatience = WindowsServiceSession.StartPatience + TimeSpan.FromSeconds(30);

    /// <inheritdoc/>
    public override string Name => "the service control manager";

    /// <inheritdoc/>
    public override string? Absence => null;

    private static string ProgramData => System.Environment.GetFolderPath(System.Environment.SpecialFolder.CommonApplicationData);

    /// <inheritdoc/>
    public override string LogFile(string name) => WindowsServicePaths.Log(ProgramData, name);

    /// <inheritdoc/>
    public override string EnvironmentFile(string context) => WindowsServicePaths.Environment(ProgramData, context);

    /// <inheritdoc/>
    public override string? DescriptionFile(string name) => null;

    /// <inheritdoc/>
    public override string Describe(ServiceDefinition service) => WindowsServiceEntry.Of(service).CommandLine;

    /// <inheritdoc/>
    public override bool IsOurs(string text) => text.Contains($" {WindowsServiceArguments.Verb} ", StringComparison.Ordinal);

    /// <inheritdoc/>
    public override bool Exists(string name) => control.Query(name, out _) switch
    {
        WindowsServiceErrors.Success => true,
        WindowsServiceErrors.NoSuchService => false,
        int error => throw WindowsServiceErrors.Of(error, "asked", name),
    };

    /// <inheritdoc/>
    public override void RequireFree(ServiceDefinition service, bool force) => _ = Compare(WindowsServiceEntry.Of(service), force);

    /// <inheritdoc/>
    public override bool Register(ServiceDefinition service, bool force)
    {
        WindowsServiceEntry entry = WindowsServiceEntry.Of(service);
        if (Compare(entry, force) is not { } same)
        {
            Check(control.Create(entry), "made", entry.Name);
            return true;
        }

        // Also when it is the same: somebody may have disabled it.
        Check(control.Change(entry), "changed", entry.Name);
        return !same;
    }

    /// <inheritdoc/>
    public override void Unregister(string name)
    {
        Check(control.ReadCommandLine(name, out string present), "asked", name);
        RequireOurs(present, name);
        StopNow(name);
        Check(control.Delete(name), "removed", name);
    }

    /// <inheritdoc/>
    public override void StartNow(string name)
    {
        if (control.Start(name) is not (WindowsServiceErrors.Success or WindowsServiceErrors.AlreadyRunning) and int error)
        {
            throw WindowsServiceErrors.Of(error, "started", name);
        }

        WindowsServiceStatus status = Wait(name, StartPatience, s => s.State is WindowsServiceState.Running or WindowsServiceState.Stopped);
        // One that has nothing to do, after `leave`, ends at once, and that is no failure.
        if (status.State != WindowsServiceState.Running && (status.State != WindowsServiceState.Stopped || status.ExitCode != 0))
        {
            throw new ServiceException(status.State != WindowsServiceState.Stopped
                ? $"The service {name} is not usable yet after {StartPatience.TotalSeconds:0} s."
                : status.ExitCode == WindowsServiceErrors.ProcessAborted ? $"The service {name} has ended, and Windows starts it again in a moment."
                : $"The service {name} has ended with code {status.ExitCode.ToString(CultureInfo.InvariantCulture)}.");
        }
    }

    /// <inheritdoc/>
    public override void StopNow(string name)
    {
        long began = time.GetTimestamp();
        int error;
        // While it starts it takes no control, so it is asked until it does.
        while ((error = control.Stop(name)) == WindowsServiceErrors.CannotAcceptControl && time.GetElapsedTime(began) < StartPatience
            && control.Query(name, out WindowsServiceStatus now) == WindowsServiceErrors.Success && now.State == WindowsServiceState.StartPending)
        {
            Task.Delay(Pause, time).GetAwaiter().GetResult();
        }

        if (error is not (WindowsServiceErrors.Success or WindowsServiceErrors.NotActive or WindowsServiceErrors.CannotAcceptControl))
        {
            throw WindowsServiceErrors.Of(error, "stopped", name);
        }

        if (Wait(name, StopPatience, s => s.State == WindowsServiceState.Stopped).State != WindowsServiceState.Stopped)
        {
            throw new ServiceException($"The service {name} has not ended within {StopPatience.TotalSeconds:0} s. Try again in a moment.");
        }
    }

    /// <inheritdoc/>
    public override void RestartNow(string name)
    {
        StopNow(name);
        StartNow(name);
    }

    /// <inheritdoc/>
    public override bool ShowStatus(string name, TextWriter output)
    {
        Check(control.Query(name, out WindowsServiceStatus status), "asked", name);
        output.WriteLine($"{name}: {Words(status)}");
        return status.State == WindowsServiceState.Running;
    }

    /// <inheritdoc/>
    public override async Task<bool> ShowLogsAsync(string name, int lines, bool follow, TextWriter output, CancellationToken cancel)
    {
        await ServiceLog.ShowAsync(LogFile(name), lines, follow, output, time, cancel).ConfigureAwait(false);
        return true;
    }

    /// <inheritdoc/>
    public override bool? IsActive(string name) => control.Query(name, out WindowsServiceStatus status) == WindowsServiceErrors.Success && status.State == WindowsServiceState.Running;

    private static string Words(WindowsServiceStatus status) => status.State switch
    {
        WindowsServiceState.Running => $"running, process {status.Process.ToString(CultureInfo.InvariantCulture)}",
        WindowsServiceState.StartPending => $"starting, process {status.Process.ToString(CultureInfo.InvariantCulture)}",
        WindowsServiceState.StopPending => "stopping",
        WindowsServiceState.Stopped => status.ExitCode switch
        {
            0 => "stopped",
            WindowsServiceErrors.ProcessAborted => "stopped after a failure, which Windows answers with a new start",
            int code => $"stopped with code {code.ToString(CultureInfo.InvariantCulture)}",
        },
        WindowsServiceState other => $"in state {((int)other).ToString(CultureInfo.InvariantCulture)}",
    };

    private static void Check(int error, string what, string name)
    {
        if (error != WindowsServiceErrors.Success)
        {
            throw WindowsServiceErrors.Of(error, what, name);
        }
    }

    // Whether the one that is there is as described; null when there is none.
    private bool? Compare(WindowsServiceEntry entry, bool force)
    {
        int error = control.ReadCommandLine(entry.Name, out string present);
        if (error == WindowsServiceErrors.NoSuchService)
        {
            return null;
        }

        Check(error, "asked", entry.Name);
        RequireOurs(present, entry.Name);
        bool same = present == entry.CommandLine;
        return same || force
            ? same
            : throw new ServiceException($"The service {entry.Name} is there already and differs from what this program would make: it runs {present}. --force replaces it.") { Problem = ServiceProblem.InUse };
    }

    private static void RequireOurs(string commandLine, string name)
    {
        if (!WindowsServiceArguments.IsOurs(commandLine, name))
        {
            throw new ServiceException($"The service {name} was not made by `tunnelmesh service install` (it runs {commandLine}) and stays as it is, also with --force. Use another --context.") { Problem = ServiceProblem.InUse };
        }
    }

    private WindowsServiceStatus Wait(string name, TimeSpan patience, Func<WindowsServiceStatus, bool> isDone)
    {
        long began = time.GetTimestamp();
        while (true)
        {
            Check(control.Query(name, out WindowsServiceStatus status), "asked", name);
            if (isDone(status) || time.GetElapsedTime(began) >= patience)
            {
                return status;
            }

            Task.Delay(Pause, time).GetAwaiter().GetResult();
        }
    }
}
