using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Node.Control;

/// <summary>
/// The greatest TAI64N sent, in memory for the packet thread and on disk for the next start. Writing happens on a task of its own
/// that takes the newest value and at most one a <see cref="Pause"/>, so that a burst of handshakes costs one write.
/// </summary>
public sealed class TimestampStore : ITai64nStore, IAsyncDisposable
{
    /// <summary>Shortest time between two writes.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private static readonly ulong Epoch = Tai64n.From(DateTimeOffset.UnixEpoch).Seconds;
    private readonly PeerStore _store;
    private readonly TimeProvider _clock;
    private readonly Action<Exception> _failed;
    private readonly SemaphoreSlim _changed = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _writer;
    private long _greatest;
    private long _written;

    /// <summary>Starts from what was kept before.</summary>
    /// <param name="store">Where it is kept.</param>
    /// <param name="kept">12 bytes from <see cref="PeerStore.LoadLastTimestamp"/>, or null.</param>
    /// <param name="clock">Times the pauses.</param>
    /// <param name="failed">Told when a write fails; the next one is tried all the same.</param>
    public TimestampStore(PeerStore store, byte[]? kept, TimeProvider clock, Action<Exception> failed)
    {
        _store = store;
        _clock = clock;
        _failed = failed;
        _greatest = _written = kept is null ? 0 : ToUnixTicks(Tai64n.Read(kept));
        _writer = Task.Run(WriteAsync);
    }

    /// <inheritdoc/>
    public long Load() => Interlocked.Read(ref _greatest);

    /// <inheritdoc/>
    public void Save(long unixTicks)
    {
        Interlocked.Exchange(ref _greatest, unixTicks);
        if (_changed.CurrentCount == 0)
        {
            try
            {
                _changed.Release();
            }
            catch (SemaphoreFullException)
            {
                // Another thread has just woken the writer.
            }
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

    // Rounded up to what a clock of 2^24 ns can give, so that the value read back is never below one that was sent.
    internal static Tai64n FromUnixTicks(long unixTicks)
    {
        DateTimeOffset time = DateTimeOffset.UnixEpoch.AddTicks(unixTicks);
        Tai64n down = Tai64n.From(time);
        return ToUnixTicks(down) < unixTicks ? down.Next() : down;
    }

    internal static long ToUnixTicks(Tai64n time) =>
        checked(((long)(time.Seconds - Epoch) * TimeSpan.TicksPerSecond) + (time.Nanoseconds / 100));

    private async Task WriteAsync()
    {
        try
        {
            while (true)
            {
                await _changed.WaitAsync(_stop.Token).ConfigureAwait(false);
                WriteNow();
                await Task.Delay(Pause, _clock, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            WriteNow();
        }
    }

    private void WriteNow()
    {
        long greatest = Load();
        if (greatest == _written)
        {
            return;
        }
        Span<byte> bytes = stackalloc byte[Tai64n.Size];
        FromUnixTicks(greatest).Write(bytes);
        try
        {
            _store.SaveLastTimestamp(bytes);
            _written = greatest;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _failed(e);
        }
    }
}
