using System.Net.WebSockets;
using Microsoft.Extensions.Logging;
using TunnelMesh.Coordinator.Logging;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Coordinator.Registry;

/// <summary>
/// Turns changes of the map into messages: at once when it was quiet, else merged over an interval that grows with the number of
/// streams. Each delta is encoded once; the whole map is built when a viewer needs one and shared while deltas can bring it up to
/// date cheaply. Thread-safe.
/// </summary>
internal sealed class MapPublisher : IAsyncDisposable
{
    private const int RingCount = 4096;
    private const long RingBytes = 16 * 1024 * 1024;

    /// <summary>Deltas from this size on are gzipped.</summary>
    private const int PackFrom = 1024;

    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100), Longest = TimeSpan.FromMilliseconds(500);
    private readonly LiveMap _map;
    private readonly Func<int> _streams;
    private readonly Action _published;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly DeltaRing _ring = new(RingCount, RingBytes);
    private readonly SemaphoreSlim _dirty = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _fullLock = new();
    private readonly Task _loop;
    private Task<MapMessage>? _full;

    /// <param name="map">The map.</param>
    /// <param name="streams">Live streams now.</param>
    /// <param name="published">Called after a delta can be had from <see cref="Next"/>.</param>
    /// <param name="time">Clock of the intervals.</param>
    /// <param name="log">For failures.</param>
    internal MapPublisher(LiveMap map, Func<int> streams, Action published, TimeProvider time, ILogger log)
    {
        _map = map;
        _streams = streams;
        _published = published;
        _time = time;
        _log = log;
        _map.Changed += Wake;
        _loop = Task.Run(RunAsync);
    }

    /// <summary>How long changes are gathered while this many streams live.</summary>
    internal static TimeSpan Interval(int streams) =>
        TimeSpan.FromMilliseconds(Math.Min(Shortest.TotalMilliseconds + (streams / 10.0), Longest.TotalMilliseconds));

    private void Wake()
    {
        try
        {
            _dirty.Release();
        }
        catch (SemaphoreFullException)
        {
            // It knows already.
        }
        catch (ObjectDisposedException)
        {
            // The server has stopped; there is nobody to tell.
        }
    }

    /// <summary>
    /// The next message for a viewer at a number (-1: holds nothing of this epoch), or null when it has everything published.
    /// <paramref name="needsFull"/> is true when <see cref="FullAsync"/> has to be sent instead.
    /// </summary>
    internal MapMessage? Next(long number, out bool needsFull)
    {
        needsFull = number < _map.First || number > _map.Number;
        if (needsFull)
        {
            return null;
        }
        MapMessage? next = _ring.After(number, out needsFull);
        return needsFull ? null : next;
    }

    /// <summary>True when a viewer at this number is served better by the whole map than by what it missed.</summary>
    internal bool IsFullSmaller(long number)
    {
        long missed = _ring.BytesAfter(number);
        lock (_fullLock)
        {
            return missed > 0 && _full is { IsCompletedSuccessfully: true } full && full.Result.Number > number && missed > full.Result.Bytes.Length;
        }
    }

    /// <summary>The whole map, perhaps a little old: deltas that are still in the ring bring it up to date.</summary>
    internal Task<MapMessage> FullAsync()
    {
        lock (_fullLock)
        {
            bool usable = _full is { IsCompleted: false } ||
                (_full is { IsCompletedSuccessfully: true } made && _ring.BytesAfter(made.Result.Number) <= made.Result.Bytes.Length / 4);
            return usable ? _full! : _full = Task.Run(() =>
            {
                MapFull full = _map.Snapshot();
                return new MapMessage(-1, full.Number, ControlCodec.Pack(ControlCodec.Encode(full)), WebSocketMessageType.Binary);
            });
        }
    }

    public async ValueTask DisposeAsync()
    {
        _map.Changed -= Wake;
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _dirty.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await _dirty.WaitAsync(_stop.Token).ConfigureAwait(false);
                bool paused = true;
                try
                {
                    paused = Publish();
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    // One turn that fails must not be the last; what it has not taken is taken by the next.
                    CoordinatorLog.BackgroundFailed(_log, e);
                    Wake();
                }
                if (paused)
                {
                    await Task.Delay(Interval(_streams()), _time, _stop.Token).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    private bool Publish()
    {
        if (_map.TakeDelta() is not { } delta)
        {
            return false;
        }
        try
        {
            _ring.Add(Encode(delta));
        }
        catch
        {
            // Taken from the map and not in the ring: viewers get the whole map instead of a hole.
            _ring.Reset(delta.Number);
            throw;
        }
        finally
        {
            _published();
        }
        return true;
    }

    private static MapMessage Encode(MapDelta delta)
    {
        byte[] text = ControlCodec.Encode(delta);
        return text.Length < PackFrom
            ? new MapMessage(delta.From, delta.Number, text, WebSocketMessageType.Text)
            : new MapMessage(delta.From, delta.Number, ControlCodec.Pack(text), WebSocketMessageType.Binary);
    }
}
