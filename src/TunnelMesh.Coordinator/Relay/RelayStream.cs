using System.Net;
using System.Net.WebSockets;
using Microsoft.Extensions.Logging;
using TunnelMesh.Coordinator.Logging;
using TunnelMesh.Protocol.Relay;

namespace TunnelMesh.Coordinator.Relay;

/// <summary>
/// The sending half of one relay stream. Whoever brings something never waits: datagrams go into a bounded queue, heartbeats and notices before them. Idle, it holds
/// no thread, task or buffer. Thread-safe.
/// </summary>
internal sealed class RelayStream : IThreadPoolWorkItem, IAsyncDisposable
{
    /// <summary>Devices that a stream is told of when they come; more are not noted, and their sender finds out by trying.</summary>
    internal const int MaxMissed = 256;

    private static readonly TimeSpan GoodbyeTime = TimeSpan.FromSeconds(2);
    private readonly WebSocket _socket;
    private readonly RelayOptions _options;
    private readonly RelayTally _tally;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Lock _lock = new();
    private readonly FairQueue _queue = new();
    private readonly Dictionary<UInt128, RelayFrameKind> _notices = [];
    private readonly byte[] _small = new byte[RelayFrame.HeaderBytes];
    private ulong _asked;
    private ulong? _ping, _pong;
    private long _heard, _deadline, _goodbye;
    private bool _running, _over, _waitsForSign;
    private (WebSocketCloseStatus Status, string Reason)? _farewell;
    private TaskCompletionSource? _idle;

    /// <param name="socket">Stays the caller's.</param>
    /// <param name="device">Whose stream it is, as a big-endian number.</param>
    /// <param name="deviceId">The same as text.</param>
    /// <param name="address">Where it comes from.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="tally">Counted in.</param>
    /// <param name="time">Clock.</param>
    /// <param name="log">For failures that are not the connection's.</param>
    internal RelayStream(WebSocket socket, UInt128 device, string deviceId, IPAddress address, RelayOptions options, RelayTally tally, TimeProvider time, ILogger log)
    {
        _socket = socket;
        _options = options;
        _tally = tally;
        _time = time;
        _log = log;
        _heard = time.GetTimestamp();
        Device = device;
        DeviceId = deviceId;
        Address = address;
    }

    internal UInt128 Device { get; }

    internal string DeviceId { get; }

    internal IPAddress Address { get; }

    /// <summary>Its device's rate, or null; set before it is read from.</summary>
    internal ByteBudget? Budget { get; set; }

    /// <summary>Devices it has asked for in vain; the owner's, under the owner's lock.</summary>
    internal HashSet<UInt128>? Missed { get; set; }

    /// <summary>True when a message has taken longer than it may.</summary>
    internal bool IsStalled => Volatile.Read(ref _deadline) is not 0 and long deadline && _time.GetTimestamp() > deadline;

    /// <summary>True when its end was announced long enough ago.</summary>
    internal bool IsOverdue => Volatile.Read(ref _goodbye) is not 0 and long goodbye && _time.GetTimestamp() > goodbye;

    /// <summary>How long nothing has come from it.</summary>
    internal TimeSpan Silence => _time.GetElapsedTime(Volatile.Read(ref _heard));

    /// <summary>Something has come from it.</summary>
    internal void Hear()
    {
        Volatile.Write(ref _heard, _time.GetTimestamp());
        _waitsForSign = false;
    }

    /// <summary>Takes datagrams for this device.</summary>
    /// <param name="source">From whom; the message names it already.</param>
    /// <param name="message">Sound.</param>
    /// <returns>True when the array was kept.</returns>
    internal bool Carry(UInt128 source, in RelayBuffer message)
    {
        int dropped;
        bool kept;
        lock (_lock)
        {
            if (_over || _farewell is not null)
            {
                Interlocked.Add(ref _tally.DroppedEnded, message.Datagrams);
                return false;
            }
            long before = _queue.Bytes;
            long limit = Interlocked.Read(ref _tally.Waiting) >= _options.QueueBytesInAll ? _options.ReserveBytes : _options.QueueBytes;
            dropped = _queue.Add(source, message, limit, out kept);
            Interlocked.Add(ref _tally.Waiting, _queue.Bytes - before);
            if (_running)
            {
                Interlocked.Add(ref _tally.DroppedFull, dropped);
                return kept;
            }
            _running = true;
        }
        Interlocked.Add(ref _tally.DroppedFull, dropped);
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return kept;
    }

    /// <summary>Sends a ping's number back; of several that wait, the newest.</summary>
    internal void Answer(ulong number) => Change(s => s._pong = number);

    /// <summary>Asks for a sign of life, once until there is one.</summary>
    internal void Ask()
    {
        if (!_waitsForSign)
        {
            _waitsForSign = true;
            Change(s => s._ping = ++s._asked);
        }
    }

    /// <summary>Tells whether a device is here; of several words on one device the newest counts.</summary>
    internal void Tell(UInt128 device, RelayFrameKind kind) => Change(s =>
    {
        if (s._notices.Count < MaxMissed || s._notices.ContainsKey(device))
        {
            s._notices[device] = kind;
        }
    });

    /// <summary>Ends the stream: what waits is dropped, and the socket is closed. Only the first call counts.</summary>
    internal void End(WebSocketCloseStatus status, string reason)
    {
        // The peer may not listen, and a send before the farewell may be stuck.
        Interlocked.CompareExchange(ref _goodbye, _time.GetTimestamp() + (long)(GoodbyeTime.TotalSeconds * _time.TimestampFrequency), 0);
        Change(s => s._farewell ??= (status, reason));
    }

    /// <summary>Cuts the connection.</summary>
    internal void Abort() => _socket.Abort();

    /// <summary>Ends when nothing is sent any more; nothing will be sent later.</summary>
    public async ValueTask DisposeAsync()
    {
        Task idle;
        lock (_lock)
        {
            _over = true;
            idle = _running ? (_idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task : Task.CompletedTask;
        }
        if (!idle.IsCompleted)
        {
            _socket.Abort();
        }
        await idle.ConfigureAwait(false);
        lock (_lock)
        {
            DropAll();
        }
    }

    /// <inheritdoc/>
    void IThreadPoolWorkItem.Execute() => _ = PumpAsync();

    private void Change(Action<RelayStream> change)
    {
        lock (_lock)
        {
            if (_over)
            {
                return;
            }
            change(this);
            if (_running)
            {
                return;
            }
            _running = true;
        }
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private async Task PumpAsync()
    {
        try
        {
            while (TryTurn(out RelayTurn turn))
            {
                Volatile.Write(ref _deadline, _time.GetTimestamp() + (long)(_options.StallTime.TotalSeconds * _time.TimestampFrequency));
                if (turn.Close is { } status)
                {
                    await _socket.CloseOutputAsync(status, turn.Reason, CancellationToken.None).ConfigureAwait(false);
                }
                else if (turn.Small > 0)
                {
                    await _socket.SendAsync(_small.AsMemory(0, turn.Small), WebSocketMessageType.Binary, true, CancellationToken.None).ConfigureAwait(false);
                }
                else
                {
                    await PassAsync(turn.Datagrams).ConfigureAwait(false);
                }
                Volatile.Write(ref _deadline, 0);
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
            lock (_lock)
            {
                _over = true;
                Rest();
            }
        }
    }

    private async ValueTask PassAsync(RelayBuffer message)
    {
        bool sent = false;
        int datagrams = message.Datagrams;
        try
        {
            await _socket.SendAsync(message.Message, WebSocketMessageType.Binary, true, CancellationToken.None).ConfigureAwait(false);
            sent = true;
        }
        finally
        {
            Interlocked.Add(ref sent ? ref _tally.DatagramsOut : ref _tally.DroppedEnded, datagrams);
            message.Return();
        }
        Interlocked.Increment(ref _tally.FramesOut);
        Interlocked.Add(ref _tally.BytesOut, message.DatagramBytes);
    }

    // False when there is nothing to send, now or any more; then it rests.
    private bool TryTurn(out RelayTurn turn)
    {
        lock (_lock)
        {
            turn = default;
            if (_over)
            {
                Rest();
                return false;
            }
            if (_farewell is { } farewell)
            {
                // The last that is ever sent: after a close frame there is nothing (RFC 6455, 5.5.1).
                _over = true;
                DropAll();
                turn = new RelayTurn(0, default, farewell.Status, farewell.Reason);
                return true;
            }
            if (_pong is { } pong)
            {
                _pong = null;
                turn = new RelayTurn(RelayFrame.WriteEcho(_small, RelayFrameKind.Pong, pong), default, null, "");
                return true;
            }
            if (_ping is { } ping)
            {
                _ping = null;
                turn = new RelayTurn(RelayFrame.WriteEcho(_small, RelayFrameKind.Ping, ping), default, null, "");
                return true;
            }
            foreach ((UInt128 device, RelayFrameKind kind) in _notices)
            {
                _notices.Remove(device);
                turn = new RelayTurn(RelayFrame.WriteNotice(_small, kind, device), default, null, "");
                return true;
            }
            long before = _queue.Bytes;
            if (_queue.TryTake(out RelayBuffer message))
            {
                Interlocked.Add(ref _tally.Waiting, _queue.Bytes - before);
                turn = new RelayTurn(0, message, null, "");
                return true;
            }
            Rest();
            return false;
        }
    }

    private void DropAll()
    {
        long before = _queue.Bytes;
        Interlocked.Add(ref _tally.DroppedEnded, _queue.Clear());
        Interlocked.Add(ref _tally.Waiting, -before);
    }

    private void Rest()
    {
        _running = false;
        _idle?.TrySetResult();
    }
}
