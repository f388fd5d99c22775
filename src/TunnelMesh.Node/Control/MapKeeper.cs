namespace TunnelMesh.Node.Control;

/// <summary>
/// Keeps the newest map and the pins on disk. Changes are gathered for <see cref="Pause"/> before they are written, on a task of its
/// own; while a coordinator is connected the time of confirmation is renewed every <see cref="Refresh"/>. Thread-safe.
/// </summary>
public sealed class MapKeeper : IAsyncDisposable
{
    /// <summary>How long changes are gathered.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>How often an unchanged map is confirmed on disk while a coordinator is connected.</summary>
    public static readonly TimeSpan Refresh = TimeSpan.FromHours(1);

    private readonly PeerStore _store;
    private readonly KeyPins _pins;
    private readonly TimeProvider _clock;
    private readonly Action<Exception> _failed;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _changed = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _writer;
    private NetworkMap? _map;
    private bool _connected, _dirty, _forgotten;

    /// <summary>Starts the writer.</summary>
    /// <param name="store">Where it is kept.</param>
    /// <param name="pins">Saved together with the map.</param>
    /// <param name="clock">Times the pauses and dates the map.</param>
    /// <param name="failed">Told when a write fails; the next one is tried all the same.</param>
    public MapKeeper(PeerStore store, KeyPins pins, TimeProvider clock, Action<Exception> failed)
    {
        _store = store;
        _pins = pins;
        _clock = clock;
        _failed = failed;
        _writer = Task.Run(RunAsync);
    }

    /// <summary>A coordinator has sent a map or a change of it. Returns at once; a change of presence alone is not worth a write.</summary>
    public void Update(MapChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        bool worth;
        lock (_gate)
        {
            worth = _map is null || change.Upserted.Count > 0 || change.GroupsChanged || change.CoordinatorsChanged || change.Removed.Count > 0 || _map.Epoch != change.Map.Epoch ||
                !ReferenceEquals(_map.Filter, change.Map.Filter);
            _map = change.Map;
            _dirty |= worth;
        }
        if (worth)
        {
            Wake();
        }
    }

    /// <summary>The control stream came up or went down: only a connected map is confirmed anew.</summary>
    public void SetConnected(bool connected)
    {
        lock (_gate)
        {
            _connected = connected;
        }
        Wake();
    }

    /// <summary>The membership is over: nothing is written any more.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            _forgotten = true;
        }
    }

    /// <summary>Writes what is not written yet, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _writer.ConfigureAwait(false);
        _stop.Dispose();
        _changed.Dispose();
    }

    private void Wake()
    {
        try
        {
            if (_changed.CurrentCount == 0)
            {
                _changed.Release();
            }
        }
        catch (SemaphoreFullException)
        {
            // Another thread has just woken the writer.
        }
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                bool woken = await WaitAsync().ConfigureAwait(false);
                if (woken)
                {
                    await Task.Delay(Pause, _clock, _stop.Token).ConfigureAwait(false);
                }
                Write(confirm: !woken);
            }
        }
        catch (OperationCanceledException)
        {
            Write(confirm: true);
        }
    }

    // False when the time for a refresh has come before any change.
    private async Task<bool> WaitAsync()
    {
        using CancellationTokenSource refresh = new(Refresh, _clock);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(refresh.Token, _stop.Token);
        try
        {
            await _changed.WaitAsync(either.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            return false;
        }
    }

    private void Write(bool confirm)
    {
        NetworkMap? map;
        lock (_gate)
        {
            if (_forgotten || _map is null || !(_dirty || (confirm && _connected)))
            {
                return;
            }
            map = _map;
            _dirty = false;
        }
        try
        {
            _store.SaveMap(new CachedMap { ConfirmedUnixMs = _clock.GetUtcNow().ToUnixTimeMilliseconds(), Map = map.ToWire() });
            _store.SavePins(_pins.Snapshot());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            lock (_gate)
            {
                _dirty = true;
            }
            _failed(e);
        }
    }
}
