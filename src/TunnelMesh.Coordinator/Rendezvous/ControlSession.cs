using System.Net;
using System.Net.WebSockets;
using Microsoft.Extensions.Logging;
using TunnelMesh.Coordinator.Logging;
using TunnelMesh.Coordinator.Registry;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Coordinator.Rendezvous;

/// <summary>
/// The sending half of one control stream. It has no queue of its own: it holds the number its viewer has, and sends what the
/// publisher has after it, one message at a time, so a slow viewer costs nothing and delays nobody. Idle, it holds no thread and
/// no task. Thread-safe.
/// </summary>
internal sealed class ControlSession : IThreadPoolWorkItem, IAsyncDisposable
{
    /// <summary>How long one message may take to be taken over, and the slowest rate accepted beyond that, in bytes a second.</summary>
    internal const int SendSeconds = 30, SlowestRate = 16 * 1024;

    /// <summary>Notes that wait at most.</summary>
    internal const int MaxNotes = 64;

    // A WebSocket copies each frame before it sends it: a whole map in one frame would cost its size for every stream at once.
    private const int FrameBytes = 16 * 1024 - 64;

    private static readonly TimeSpan GoodbyeTime = TimeSpan.FromSeconds(2);
    private readonly WebSocket _socket;
    private readonly MapPublisher _publisher;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _reading = new();
    private long _number, _deadline;
    private long? _requested;
    private bool _running, _again, _over, _stopped;
    private Farewell? _farewell;
    private readonly Queue<object> _notes = new();
    private TaskCompletionSource? _idle;

    /// <param name="socket">Stays the caller's.</param>
    /// <param name="publisher">Source of the map.</param>
    /// <param name="deviceId">Whose stream it is.</param>
    /// <param name="instance">The program's instance, from its hello.</param>
    /// <param name="address">Where it comes from.</param>
    /// <param name="number">What the viewer holds; -1 when nothing of this epoch.</param>
    /// <param name="time">Clock.</param>
    /// <param name="log">For failures that are not the connection's.</param>
    internal ControlSession(WebSocket socket, MapPublisher publisher, string deviceId, string instance, IPAddress address, long number, TimeProvider time, ILogger log)
    {
        _socket = socket;
        _publisher = publisher;
        _time = time;
        _log = log;
        _number = number;
        DeviceId = deviceId;
        Instance = instance;
        Address = address;
    }

    internal string DeviceId { get; }

    internal string Instance { get; }

    internal IPAddress Address { get; }

    /// <summary>Ends reading, some time after a farewell.</summary>
    internal CancellationToken Reading => _reading.Token;

    /// <summary>True when a send has taken longer than it may.</summary>
    internal bool IsStalled => Volatile.Read(ref _deadline) is > 0 and long deadline && _time.GetTimestamp() > deadline;

    /// <summary>There may be something to send.</summary>
    internal void Wake()
    {
        lock (_lock)
        {
            if (_over)
            {
                return;
            }
            if (_running)
            {
                _again = true;
                return;
            }
            _running = true;
        }
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    /// <summary>The viewer says what it holds; -1 for nothing of this epoch.</summary>
    internal void Rewind(long number)
    {
        lock (_lock)
        {
            _requested = number;
        }
        Wake();
    }

    /// <summary>Says something that does not end the stream. The oldest of too many that wait is dropped: none is worth much later.</summary>
    internal void Tell(object note)
    {
        lock (_lock)
        {
            if (_notes.Count == MaxNotes)
            {
                _notes.Dequeue();
            }
            _notes.Enqueue(note);
        }
        Wake();
    }

    /// <summary>Ends the stream: after a last message, if there is one, the socket is closed. Only the first call counts.</summary>
    internal void End(object? last, WebSocketCloseStatus status, string description)
    {
        lock (_lock)
        {
            _farewell ??= new Farewell(last, status, description);
            if (!_stopped)
            {
                // The peer may not listen, and a send before the farewell may be stuck.
                _reading.CancelAfter(GoodbyeTime);
            }
        }
        Wake();
    }

    /// <summary>Ends the stream with an error.</summary>
    internal void End(ErrorMessage error) => End(error, WebSocketCloseStatus.PolicyViolation, error.Code);

    /// <summary>Cuts the connection.</summary>
    internal void Abort() => _socket.Abort();

    /// <summary>Ends when nothing is sent any more; nothing will be sent later.</summary>
    public async ValueTask DisposeAsync()
    {
        Task idle;
        lock (_lock)
        {
            _over = _stopped = true;
            idle = _running ? (_idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task : Task.CompletedTask;
        }
        if (!idle.IsCompleted)
        {
            _socket.Abort();
        }
        await idle.ConfigureAwait(false);
        _reading.Dispose();
    }

    /// <inheritdoc/>
    void IThreadPoolWorkItem.Execute() => _ = PumpAsync();

    private async Task PumpAsync()
    {
        try
        {
            while (TakeTurn(out Farewell? farewell, out object? note))
            {
                if (note is not null)
                {
                    await SendAsync(ControlCodec.Encode(note), WebSocketMessageType.Text).ConfigureAwait(false);
                }
                if (farewell is not null)
                {
                    await SayAsync(farewell).ConfigureAwait(false);
                    return;
                }
                MapMessage? next = _publisher.Next(_number, out bool needsFull);
                if (needsFull || (next is not null && _publisher.IsFullSmaller(_number)))
                {
                    next = await _publisher.FullAsync().ConfigureAwait(false);
                }
                if (next is not null)
                {
                    await SendAsync(next.Bytes, next.Type).ConfigureAwait(false);
                    _number = next.Number;
                    continue;
                }
                if (TryRest())
                {
                    return;
                }
            }
        }
        catch (Exception e)
        {
            if (e is not (WebSocketException or IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException))
            {
                CoordinatorLog.BackgroundFailed(_log, e);
            }
            // The connection is of no use any more; the reader notices.
            _socket.Abort();
            Rest();
        }
    }

    // False when the session is over; then it rests.
    private bool TakeTurn(out Farewell? farewell, out object? note)
    {
        lock (_lock)
        {
            farewell = _farewell;
            _again = _notes.TryDequeue(out note) && _notes.Count > 0;
            if (_requested is long number)
            {
                _number = number;
                _requested = null;
            }
            if (!_over)
            {
                return true;
            }
        }
        Rest();
        return false;
    }

    private bool TryRest()
    {
        lock (_lock)
        {
            if (_again)
            {
                return false;
            }
            _running = false;
            _idle?.TrySetResult();
            return true;
        }
    }

    private void Rest()
    {
        lock (_lock)
        {
            _over = true;
            _running = false;
            _idle?.TrySetResult();
        }
    }

    private async Task SayAsync(Farewell farewell)
    {
        if (farewell.Last is not null)
        {
            await SendAsync(ControlCodec.Encode(farewell.Last), WebSocketMessageType.Text).ConfigureAwait(false);
        }
        await _socket.CloseOutputAsync(farewell.Status, farewell.Description, CancellationToken.None).ConfigureAwait(false);
        Rest();
    }

    private async ValueTask SendAsync(byte[] bytes, WebSocketMessageType type)
    {
        double seconds = SendSeconds + (bytes.Length / (double)SlowestRate);
        Volatile.Write(ref _deadline, _time.GetTimestamp() + (long)(seconds * _time.TimestampFrequency));
        for (int at = 0; at < bytes.Length; at += FrameBytes)
        {
            int part = Math.Min(FrameBytes, bytes.Length - at);
            await _socket.SendAsync(bytes.AsMemory(at, part), type, at + part == bytes.Length, CancellationToken.None).ConfigureAwait(false);
        }
        Volatile.Write(ref _deadline, 0);
    }

    private sealed record Farewell(object? Last, WebSocketCloseStatus Status, string Description);
}
