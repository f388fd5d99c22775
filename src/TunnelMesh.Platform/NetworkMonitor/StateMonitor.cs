namespace TunnelMesh.Platform.NetworkMonitor;

/// <summary>Gathers notices, looks, compares, and tells; the same on every system.</summary>
internal sealed class StateMonitor : INetworkMonitor
{
    // Less is no sleep: the two clocks are not read at the same instant.
    private static readonly TimeSpan LeastSleep = TimeSpan.FromSeconds(1);

    private readonly Func<NetworkState> _read;
    private readonly Func<TimeSpan> _suspended;
    private readonly Action<Exception> _failed;
    private readonly IDisposable? _owned;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly Lock _look = new();
    private readonly ITimer _quiet;
    private readonly ITimer _sleep;
    private readonly IDisposable _notices;
    private long _first;
    private bool _pending;
    private bool _resumed;
    private bool _disposed;
    private TimeSpan _slept;

    /// <param name="read">Looks; may throw an <see cref="IOException"/>.</param>
    /// <param name="listen">Starts to call the given action at each notice of the system; disposed first.</param>
    /// <param name="suspended">How long the machine has slept since it started.</param>
    /// <param name="failed">Told when a look failed.</param>
    /// <param name="time">Clock.</param>
    /// <param name="owned">Disposed last.</param>
    public StateMonitor(Func<NetworkState> read, Func<Action, IDisposable> listen, Func<TimeSpan> suspended, Action<Exception> failed, TimeProvider time, IDisposable? owned = null)
    {
        (_read, _suspended, _failed, _time, _owned) = (read, suspended, failed, time, owned);
        _quiet = time.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _sleep = time.CreateTimer(_ => LookForSleep(), null, NetworkWatch.SleepLook, NetworkWatch.SleepLook);
        _slept = suspended();
        try
        {
            // In this order: a change between the two is noticed, and the look that follows waits for this one.
            lock (_look)
            {
                _notices = listen(Note);
                State = read();
            }
        }
        catch
        {
            _notices?.Dispose();
            _quiet.Dispose();
            _sleep.Dispose();
            owned?.Dispose();
            throw;
        }
    }

    public event Action<NetworkChanges>? Changed;

    public NetworkState State
    {
        get => Volatile.Read(ref field!);
        private set => Volatile.Write(ref field!, value);
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
        }

        _notices.Dispose();
        _sleep.Dispose();
        _quiet.Dispose();
        lock (_look)
        {
            // Whoever looked until now has ended.
            _owned?.Dispose();
        }
    }

    private void Note() => Note(_time.GetTimestamp());

    private void Note(long now)
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            if (!_pending)
            {
                (_pending, _first) = (true, now);
            }

            TimeSpan left = NetworkWatch.Longest - _time.GetElapsedTime(_first, now);
            _quiet.Change(left < TimeSpan.Zero ? TimeSpan.Zero : left < NetworkWatch.Quiet ? left : NetworkWatch.Quiet, Timeout.InfiniteTimeSpan);
        }
    }

    private void LookForSleep()
    {
        TimeSpan slept = _suspended();
        lock (_gate)
        {
            TimeSpan more = slept - _slept;
            if (more < LeastSleep)
            {
                return;
            }

            (_slept, _resumed) = (slept, true);
        }

        Note();
    }

    private void Look()
    {
        bool resumed;
        lock (_gate)
        {
            (resumed, _resumed, _pending) = (_resumed, false, false);
        }

        lock (_look)
        {
            if (_disposed)
            {
                return;
            }

            NetworkChanges changes = resumed ? NetworkChanges.Resumed : NetworkChanges.None;
            try
            {
                NetworkState now = _read();
                changes |= now.Since(State);
                State = now;
            }
            catch (IOException e)
            {
                _failed(e);
                LookAgain();
            }

            if (changes != NetworkChanges.None)
            {
                Changed?.Invoke(changes);
            }
        }
    }

    private void LookAgain()
    {
        lock (_gate)
        {
            if (!_disposed && !_pending)
            {
                (_pending, _first) = (true, _time.GetTimestamp());
                _quiet.Change(NetworkWatch.Longest, Timeout.InfiniteTimeSpan);
            }
        }
    }
}
