using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.Paths;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Relay;

namespace TunnelMesh.Node.Transports.Relay;

/// <summary>One relay stream, from the upgrade to its end. Members other than RunAsync may be called from any thread.</summary>
internal sealed class RelayLink : IThreadPoolWorkItem
{
    // Nothing that trying again at once would change.
    private const int RefusedRetrySeconds = 30;

    /// <summary>Turns of the heartbeat: a part of the shortest time it measures.</summary>
    internal static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(500);

    private readonly CoordinatorSocket _connection;
    private readonly WebSocket _socket;
    private readonly string _server;
    private readonly RelayTransportOptions _options;
    private readonly RelayDevices _devices;
    private readonly RelayTally _tally;
    private readonly RelayHeartbeat _heartbeat;
    private readonly Action<RelayLink> _opened;
    private readonly Lock _lock = new();
    private readonly RelayQueue _queue = new();
    private readonly byte[] _small = new byte[RelayFrame.EchoBytes];
    private ulong? _ping, _pong;
    private bool _running, _over, _open;
    private readonly WakeSignal _beat = new();
    private readonly ITimer _turn;
    private TaskCompletionSource? _idle;
    private bool _rests;
    private long _roundTrip = -1;

    /// <param name="connection">Connected; the link disposes it.</param>
    /// <param name="server">For messages.</param>
    /// <param name="options">Sink and bounds.</param>
    /// <param name="devices">Told who is here.</param>
    /// <param name="tally">Counted in.</param>
    /// <param name="opened">Called once, when the coordinator has answered on the stream.</param>
    /// <param name="time">Clock.</param>
    internal RelayLink(CoordinatorSocket connection, string server, RelayTransportOptions options, RelayDevices devices, RelayTally tally, Action<RelayLink> opened, TimeProvider time)
    {
        _connection = connection;
        _socket = connection.Socket;
        _server = server;
        _options = options;
        _devices = devices;
        _tally = tally;
        _heartbeat = new RelayHeartbeat(options.AskAfter, options.AnswerTime, time);
        _opened = opened;
        _turn = time.CreateTimer(static beat => ((WakeSignal)beat!).Set(), _beat, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        if (connection.Tcp is { } tcp)
        {
            KeepShort(tcp);
        }
    }

    /// <summary>The last round trip to the coordinator on this stream, or null before the first.</summary>
    internal TimeSpan? RoundTrip => Interlocked.Read(ref _roundTrip) is >= 0 and long ticks ? new TimeSpan(ticks) : null;

    /// <inheritdoc cref="RelayHeartbeat.Silence"/>
    internal TimeSpan? Silence => _heartbeat.Silence;

    /// <summary>Takes datagrams; sound ones only.</summary>
    internal void Send(UInt128 device, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        int dropped = 0;
        bool wake = false;
        lock (_lock)
        {
            if (_over)
            {
                Interlocked.Add(ref _tally.DroppedEnded, RelayFrame.Count(datagrams.Length, segmentSize));
                return;
            }
            _queue.Add(device, datagrams, segmentSize);
            while (_queue.Bytes > _options.QueueBytes && _queue.TryTake(out RelayBuffer oldest))
            {
                dropped += oldest.Datagrams;
                oldest.Return();
            }
            if (!_running)
            {
                _running = wake = true;
            }
            _heartbeat.Sent();
            StopResting();
        }
        Interlocked.Add(ref _tally.DroppedFull, dropped);
        if (wake)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    /// <inheritdoc cref="CoordinatorSocket.AbortUnless"/>
    internal void AbortUnless(Func<IPAddress, bool> isOwn) => _connection.AbortUnless(isOwn);

    /// <summary>Asks for a sign of life at once, with little patience.</summary>
    internal void Doubt() => Echo(_heartbeat.Doubt(), null);

    /// <summary>Serves the stream until it is of no use any more, or the caller has enough of it.</summary>
    /// <exception cref="ControlException">The stream has ended; the message says why.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    internal async Task RunAsync(CancellationToken cancel)
    {
        using CancellationTokenSource over = new();
        using CancellationTokenSource any = CancellationTokenSource.CreateLinkedTokenSource(cancel, over.Token);
        Task stopped = Task.Delay(Timeout.InfiniteTimeSpan, any.Token);
        using CancellationTokenRegistration beat = over.Token.UnsafeRegister(static beat => ((WakeSignal)beat!).Set(), _beat);
        Task receiving = ReceiveAsync(over.Token), beating = BeatAsync(over.Token);
        try
        {
            Task first = await Task.WhenAny(receiving, beating, stopped).ConfigureAwait(false);
            if (first == stopped)
            {
                await _connection.CloseAsync().ConfigureAwait(false);
            }
            await first.ConfigureAwait(false);
        }
        finally
        {
            await over.CancelAsync().ConfigureAwait(false);
            _connection.Dispose();
            await _turn.DisposeAsync().ConfigureAwait(false);
            await Task.WhenAll(receiving, beating, RestAsync()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <inheritdoc/>
    void IThreadPoolWorkItem.Execute() => _ = PumpAsync();

    private async Task BeatAsync(CancellationToken cancel)
    {
        Echo(_heartbeat.Start(), null);
        while (true)
        {
            BeginTurn();
            await _beat.WaitAsync().ConfigureAwait(false);
            cancel.ThrowIfCancellationRequested();
            if (_heartbeat.IsDead)
            {
                Interlocked.Increment(ref _tally.Silent);
                throw new ControlException(ControlFailure.Timeout, $"The relay stream to the coordinator {_server} carries nothing: a sign of life was not answered.");
            }
            if (_heartbeat.Ask() is { } number)
            {
                Echo(number, null);
            }
            _devices.Expire();
        }
    }

    // A stream without traffic is not looked at before something is due: a peer that has nothing to do costs nothing.
    private void BeginTurn()
    {
        lock (_lock)
        {
            TimeSpan wait = _devices.SomeAway ? Turn : _heartbeat.Rest ?? Turn;
            _rests = wait > Turn;
            _turn.Change(wait, Timeout.InfiniteTimeSpan);
        }
    }

    // With the lock.
    private void StopResting()
    {
        if (_rests)
        {
            _rests = false;
            _turn.Change(Turn, Timeout.InfiniteTimeSpan);
        }
    }

    private async Task ReceiveAsync(CancellationToken cancel)
    {
        byte[] buffer = new byte[RelayFrame.MaxBytes + 1];
        while (true)
        {
            int length = 0;
            ValueWebSocketReceiveResult part;
            do
            {
                try
                {
                    part = await _socket.ReceiveAsync(buffer.AsMemory(length), cancel).ConfigureAwait(false);
                }
                catch (Exception e) when (CoordinatorSocket.IsLoss(e, cancel))
                {
                    throw _connection.Lost(e);
                }
                length += part.Count;
            }
            while (!part.EndOfMessage && length < buffer.Length && part.MessageType == WebSocketMessageType.Binary);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                throw Ended();
            }
            if (part.MessageType == WebSocketMessageType.Text || length > RelayFrame.MaxBytes)
            {
                throw new ControlException(ControlErrorCodes.BadMessage, $"The coordinator {_server} sent what no relay sends. Run the same version on both sides.");
            }
            _heartbeat.Heard();
            Take(buffer.AsSpan(0, length));
        }
    }

    private void Take(ReadOnlySpan<byte> message)
    {
        switch (RelayFrame.Read(message))
        {
            case RelayFrameKind.Datagrams:
                Deliver(message);
                break;
            case RelayFrameKind.Ping:
                Echo(null, RelayFrame.Number(message));
                break;
            case RelayFrameKind.Pong:
                if (_heartbeat.Prove(RelayFrame.Number(message)) is { } roundTrip)
                {
                    Interlocked.Exchange(ref _roundTrip, roundTrip.Ticks);
                    if (!_open)
                    {
                        _open = true;
                        _opened(this);
                    }
                }
                break;
            case RelayFrameKind.NotHere:
                Interlocked.Increment(ref _tally.NotHere);
                _devices.Miss(RelayFrame.Device(message));
                lock (_lock)
                {
                    StopResting();
                }
                break;
            case RelayFrameKind.Here:
                _devices.Find(RelayFrame.Device(message));
                break;
            case RelayFrameKind.Damaged:
                Interlocked.Increment(ref _tally.FramesDamaged);
                break;
            case RelayFrameKind.OtherVersion:
                throw new ControlException(ControlErrorCodes.UnsupportedVersion, $"The coordinator {_server} relays by version {message[0]} of the protocol, this program by {RelayFrame.Version}. Update the older of the two.");
            default:
                Interlocked.Increment(ref _tally.FramesUnknown);
                break;
        }
    }

    private void Deliver(ReadOnlySpan<byte> message)
    {
        ReadOnlySpan<byte> datagrams = message[RelayFrame.HeaderBytes..];
        int size = RelayFrame.SegmentSize(message);
        UInt128 source = RelayFrame.Device(message);
        Interlocked.Increment(ref _tally.FramesReceived);
        Interlocked.Add(ref _tally.DatagramsReceived, RelayFrame.Count(datagrams.Length, size));
        Interlocked.Add(ref _tally.BytesReceived, datagrams.Length);
        _devices.Find(source);
        Interlocked.Add(ref _tally.DroppedBySink, _options.Sink.Deliver(PathAddress.Over(PathTransport.Relay, source), datagrams, size));
    }

    private ControlException Ended() => _socket.CloseStatus switch
    {
        WebSocketCloseStatus.NormalClosure => new ControlException(ControlErrorCodes.DeviceInUse,
            $"The coordinator {_server} closed the relay stream, because this device has opened another one: is its context directory in use on two machines?", RefusedRetrySeconds),
        WebSocketCloseStatus.PolicyViolation when _socket.CloseStatusDescription is { Length: > 0 } code => new ControlException(code, $"The coordinator {_server} ended the relay stream: {code}.", RefusedRetrySeconds),
        _ => _connection.Closed(),
    };

    private void Echo(ulong? ping, ulong? pong)
    {
        lock (_lock)
        {
            // Of several that wait, the newest is enough.
            (_ping, _pong) = (ping ?? _ping, pong ?? _pong);
            if (ping is not null)
            {
                StopResting();
            }
            if (_over || _running)
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
            while (TryTurn(out int small, out RelayBuffer message))
            {
                if (small > 0)
                {
                    await _socket.SendAsync(_small.AsMemory(0, small), WebSocketMessageType.Binary, true, CancellationToken.None).ConfigureAwait(false);
                }
                else
                {
                    await PassAsync(message).ConfigureAwait(false);
                }
            }
        }
#pragma warning disable CA1031 // Whatever it was: the stream is of no use any more, and the reader tells why.
        catch (Exception)
#pragma warning restore CA1031
        {
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
            Interlocked.Add(ref sent ? ref _tally.DatagramsSent : ref _tally.DroppedEnded, datagrams);
            message.Return();
        }
        Interlocked.Increment(ref _tally.FramesSent);
        Interlocked.Add(ref _tally.BytesSent, message.DatagramBytes);
    }

    private bool TryTurn(out int small, out RelayBuffer message)
    {
        (small, message) = (0, default);
        lock (_lock)
        {
            if (!_over && _pong is { } pong)
            {
                _pong = null;
                small = RelayFrame.WriteEcho(_small, RelayFrameKind.Pong, pong);
                return true;
            }
            if (!_over && _ping is { } ping)
            {
                _ping = null;
                small = RelayFrame.WriteEcho(_small, RelayFrameKind.Ping, ping);
                return true;
            }
            if (!_over && _queue.TryTake(out message))
            {
                return true;
            }
            Rest();
            return false;
        }
    }

    // Ends when nothing is sent any more; what waited is lost then.
    private async Task RestAsync()
    {
        Task idle;
        lock (_lock)
        {
            _over = true;
            idle = _running ? (_idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task : Task.CompletedTask;
        }
        await idle.ConfigureAwait(false);
        lock (_lock)
        {
            while (_queue.TryTake(out RelayBuffer message))
            {
                Interlocked.Add(ref _tally.DroppedEnded, message.Datagrams);
                message.Return();
            }
        }
    }

    private void Rest()
    {
        _running = false;
        _idle?.TrySetResult();
    }

    // What the system has not sent yet waits in its queue in the order it came: kept short, so that heartbeats overtake and the oldest can be dropped in ours.
    private static void KeepShort(Socket socket)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS())
        {
            return;
        }
        try
        {
            // TCP_NOTSENT_LOWAT: linux/tcp.h, and netinet/tcp.h of macOS.
            socket.SetRawSocketOption(6, OperatingSystem.IsLinux() ? 25 : 0x201, BitConverter.GetBytes(64 * 1024));
        }
        catch (SocketException)
        {
            // A system without it sends all the same; its own queue is longer.
        }
    }
}
