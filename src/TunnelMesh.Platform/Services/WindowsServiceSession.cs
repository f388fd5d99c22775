namespace TunnelMesh.Platform.Services;

/// <summary>
/// The states that one run of a Windows service goes through, told to the service control manager: starting, with a sign of life every few
/// seconds; running; stopping, likewise; stopped. None is told twice or out of order. Any thread.
/// </summary>
public sealed class WindowsServiceSession : IServiceReports
{
    /// <summary>Controls that may come (winsvc.h).</summary>
    public const int ControlStop = 1, ControlInterrogate = 4, ControlShutdown = 5;
    /// <summary>Answers to them (winerror.h).</summary>
    public const int Handled = 0, NotImplemented = 120;

    /// <summary>How long a start may take until the peer is usable; systemd is told the same.</summary>
    public static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(90);
    /// <summary>Between two signs of life while it starts or stops.</summary>
    public static readonly TimeSpan Beat = TimeSpan.FromSeconds(3);
    // Three beats, so that a busy machine is not taken for one that hangs.
    private const int WaitHint = 9000;

    private readonly Lock _gate = new();
    private readonly Action<WindowsServiceStatus> _tell;
    private readonly CancellationTokenSource _stop = new();
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly long _began;
    private WindowsServiceStatus _status = new(WindowsServiceState.StartPending, CheckPoint: 1, WaitHint: WaitHint);

    /// <summary>Tells that the service starts.</summary>
    /// <param name="tell">Tells the manager; one call at a time.</param>
    /// <param name="time">The clock.</param>
    public WindowsServiceSession(Action<WindowsServiceStatus> tell, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(tell);
        ArgumentNullException.ThrowIfNull(time);
        _tell = tell;
        _time = time;
        _began = time.GetTimestamp();
        tell(_status);
        _timer = time.CreateTimer(static me => ((WindowsServiceSession)me!).OnBeat(), this, Beat, Beat);
    }

    /// <summary>Cancelled when the manager wants the service to end, or the start has taken too long.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>True when the service ends because the manager said so.</summary>
    public bool WasTold { get; private set; }

    /// <summary>True when it ends because it was not usable in time.</summary>
    public bool IsLate { get; private set; }

    /// <summary>Takes a control of the manager.</summary>
    /// <param name="control">Its number.</param>
    /// <returns>What to answer.</returns>
    public int Control(int control)
    {
        switch (control)
        {
            case ControlStop or ControlShutdown:
                lock (_gate)
                {
                    WasTold = true;
                }

                Stopping();
                Cancel();
                return Handled;
            case ControlInterrogate:
                lock (_gate)
                {
                    _tell(_status);
                }

                return Handled;
            default:
                return NotImplemented;
        }
    }

    /// <inheritdoc/>
    public void Ready(string status)
    {
        lock (_gate)
        {
            if (_status.State == WindowsServiceState.StartPending)
            {
                Tell(new(WindowsServiceState.Running, AcceptsStop: true));
            }
        }
    }

    /// <inheritdoc/>
    public void Stopping()
    {
        lock (_gate)
        {
            if (_status.State is WindowsServiceState.StartPending or WindowsServiceState.Running)
            {
                Tell(new(WindowsServiceState.StopPending, CheckPoint: 1, WaitHint: WaitHint));
            }
        }
    }

    /// <inheritdoc/>
    // The manager of Windows watches a change of state only.
    public void Alive()
    {
    }

    /// <summary>The service has ended. After it the manager may end the process at any time.</summary>
    /// <param name="exitCode">Exit code of the program.</param>
    public void Stopped(int exitCode)
    {
        lock (_gate)
        {
            if (_status.State != WindowsServiceState.Stopped)
            {
                Tell(new(WindowsServiceState.Stopped, ExitCode: exitCode));
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void OnBeat()
    {
        bool late;
        lock (_gate)
        {
            late = _status.State == WindowsServiceState.StartPending && _time.GetElapsedTime(_began) >= StartPatience;
            IsLate |= late;
            if (!late && _status.State is (WindowsServiceState.StartPending or WindowsServiceState.StopPending))
            {
                Tell(_status with { CheckPoint = _status.CheckPoint + 1 });
            }
        }

        if (late)
        {
            Stopping();
            Cancel();
        }
    }

    // On another thread: what is cancelled may take its time, and the manager waits for an answer to its control.
    private void Cancel() => _ = _stop.CancelAsync();

    private void Tell(WindowsServiceStatus status)
    {
        _status = status;
        _tell(status);
    }
}
