using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Protocol.Ssh;

namespace TunnelMesh.Node.Transports.Ssh;

/// <summary>
/// One SSH connection over a TCP socket: a task that reads and one that writes. Other members are any thread's and return at once.
/// </summary>
/// <remarks>
/// Out: <see cref="SendQueue"/> (copied, packed) → sealed in place → socket. In: socket → opened in place → frames → the owner. Neither allocates for a datagram.
/// </remarks>
internal sealed class SshStream
{
    private const int ControlBytes = 36 * 1024, StrangerReadBytes = 40 * 1024, OpenReadBytes = 256 * 1024;

    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(5), LastWordLimit = TimeSpan.FromSeconds(1);

    private readonly Socket _socket;
    private readonly SshConnection _connection;
    private readonly ISshStreamOwner _owner;
    private readonly SendPacketPool _pool;
    private readonly SshCounters _counters;
    private readonly SendQueue _queue;
    private readonly SshTransportOptions _options;
    private readonly WakeSignal _wake = new();
    private readonly TaskCompletionSource<bool> _verified = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<bool> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _ending;
    private int _exchanges;
    private long _sentAt = long.MinValue, _datagramAt, _endingSince, _failedSince;

    /// <summary>A stream; <see cref="RunAsync"/> makes it live.</summary>
    /// <param name="socket">Connected; the stream's from now on.</param>
    /// <param name="connection">In either role; the stream's from now on.</param>
    /// <param name="owner">Is told.</param>
    /// <param name="pool">Packets to send.</param>
    /// <param name="counters">Of the transport.</param>
    /// <param name="options">Of the transport.</param>
    public SshStream(Socket socket, SshConnection connection, ISshStreamOwner owner, SendPacketPool pool, SshCounters counters, SshTransportOptions options)
    {
        (_socket, _connection, _owner, _pool, _counters, _options) = (socket, connection, owner, pool, counters, options);
        LocalAddress = socket.LocalEndPoint is IPEndPoint local ? local.Address.IsIPv4MappedToIPv6 ? local.Address.MapToIPv4() : local.Address : null;
        _queue = new SendQueue(pool, options.QueuePackets, counters);
        _datagramAt = Now;
    }

    /// <summary>Address of this machine that the connection leaves from; null where it is not known.</summary>
    public IPAddress? LocalAddress { get; }

    /// <summary>The device that was dialled; 0 when the stream was accepted.</summary>
    public UInt128 Dialled { get; init; }

    /// <summary>The device at the other end; known from the opening on at the latest.</summary>
    public UInt128 RemoteDevice => IsDialled ? Dialled : _connection.RemoteDevice;

    /// <summary>The link it belongs to; null while it is a stranger's.</summary>
    public SshLink? Link { get; set; }

    /// <summary>True when we dialled.</summary>
    public bool IsDialled => _connection.IsClient;

    /// <summary>True while datagrams may be put.</summary>
    public bool IsOpen => _connection.IsOpen && !_ending;

    /// <summary>Client: whether the server has proved its key; false when it ended before.</summary>
    public Task<bool> Verified => _verified.Task;

    /// <summary>Whether the channel opened.</summary>
    public Task<bool> WhenOpened => _opened.Task;

    /// <summary>Why it is over; null while it is not.</summary>
    public SshFailure? Failure => _connection.Failure;

    /// <summary>True while an answer to a heartbeat is waited for.</summary>
    public bool IsHeartbeatOut => _connection.HeartbeatSince is not null;

    private long Now => _options.Time.GetTimestamp();

    /// <summary>Runs the connection to its end; returns at once, with nothing done on the caller's thread.</summary>
    public async Task RunAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        Task reading = ReadAsync(), writing = WriteAsync();
        await Task.WhenAny(reading, writing).ConfigureAwait(false);
        if (reading.IsCompleted)
        {
            _connection.Disconnect(SshDisconnectReason.ConnectionLost, "the connection was lost");
            _wake.Set();
            await WaitAsync(writing, LastWordLimit).ConfigureAwait(false);
        }
        else if (_connection.IsEnded)
        {
            // The other side ends the stream when it has read everything; an earlier close could take bytes away from it.
            await WaitAsync(reading, EndLimit).ConfigureAwait(false);
        }
        Abort();
        try
        {
            await Task.WhenAll(reading, writing).ConfigureAwait(false);
        }
        finally
        {
            _queue.Close();
            _connection.Dispose();
            _verified.TrySetResult(false);
            _opened.TrySetResult(false);
            _owner.Closed(this);
        }
    }

    /// <summary>Client: goes on and tells the server who we are, after <see cref="Verified"/>.</summary>
    public void Authenticate()
    {
        _connection.Authenticate();
        _wake.Set();
    }

    /// <summary>Copies datagrams for sending; false when the stream takes none any more.</summary>
    public bool TrySend(ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        if (!IsOpen || !_queue.TryPut(datagrams, segmentSize))
        {
            return false;
        }
        long now = Now;
        Volatile.Write(ref _sentAt, now);
        Volatile.Write(ref _datagramAt, now);
        _wake.Set();
        return true;
    }

    /// <summary>Asks for a sign of life.</summary>
    public void Heartbeat()
    {
        _connection.Heartbeat(Now);
        _wake.Set();
    }

    /// <summary>Takes no more datagrams, sends what waits, and ends when the other side has ended too.</summary>
    public void End()
    {
        if (!_ending)
        {
            Volatile.Write(ref _endingSince, Now);
            _ending = true;
            // Whoever has looked before and puts now is refused, and takes another stream.
            _queue.Stop();
        }
        _wake.Set();
    }

    /// <summary>Tells the other side that it is over, without waiting for anything.</summary>
    public void Disconnect(SshDisconnectReason reason, string text)
    {
        _connection.Disconnect(reason, text);
        _wake.Set();
    }

    /// <summary>Ends it this instant.</summary>
    public void Abort()
    {
        _connection.Disconnect(SshDisconnectReason.ConnectionLost, "the connection was given up");
        _socket.Dispose();
        _wake.Set();
    }

    /// <summary>Looks at deadlines and signs of life; several times a second.</summary>
    public void Tick()
    {
        TimeProvider time = _options.Time;
        long now = Now;
        _connection.Tick(now);
        if (_connection.Failure is not null)
        {
            _failedSince = _failedSince == 0 ? now : _failedSince;
            _wake.Set();
            if (now >= time.After(_failedSince, LastWordLimit))
            {
                Abort();
            }
            return;
        }
        if (_ending && now >= time.After(Volatile.Read(ref _endingSince), EndLimit))
        {
            Abort();
            return;
        }
        if (IsOpen && now >= time.After(Volatile.Read(ref _datagramAt), _options.IdleLimit))
        {
            End();
        }
        switch (StreamLiveness.Judge(time, now, _connection.HeardAt, Volatile.Read(ref _sentAt), _connection.HeartbeatSince))
        {
            case StreamHealth.Dead:
                _counters.CountSilent();
                Abort();
                return;
            case StreamHealth.Quiet:
                Heartbeat();
                break;
            default:
                break;
        }
        if (_connection.HasControl)
        {
            _wake.Set();
        }
    }

    private async Task WaitAsync(Task task, TimeSpan limit) =>
        await Task.WhenAny(task, Task.Delay(limit, _options.Time)).ConfigureAwait(false);

    private async Task ReadAsync()
    {
        byte[] buffer = GC.AllocateUninitializedArray<byte>(StrangerReadBytes, pinned: true);
        int start = 0, end = 0;
        try
        {
            while (true)
            {
                if (!TakeSteps(buffer.AsSpan(0, end), ref start))
                {
                    return;
                }
                if (_connection.HasControl || !_queue.IsEmpty)
                {
                    _wake.Set();
                }
                int room = OpenReadBytes;
                byte[] next = buffer.Length < OpenReadBytes && _opened.Task.IsCompleted ? GC.AllocateUninitializedArray<byte>(room, pinned: true) : buffer;
                // A packet must find room behind its beginning; the rest of one is moved to the front only when it would not.
                if (start == end || next != buffer || buffer.Length - start < Math.Min(SshPacket.MaxBytes, buffer.Length))
                {
                    buffer.AsSpan(start, end - start).CopyTo(next);
                    (start, end) = (0, end - start);
                    buffer = next;
                }
                int read = await _socket.ReceiveAsync(buffer.AsMemory(end), SocketFlags.None).ConfigureAwait(false);
                if (read == 0)
                {
                    return;
                }
                end += read;
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Lost, or given up here.
        }
    }

    // False when the connection is over.
    private bool TakeSteps(Span<byte> bytes, ref int start)
    {
        while (start < bytes.Length)
        {
            long now = Now;
            SshStep step = _connection.Read(bytes[start..], now);
            switch (step.Event)
            {
                case SshEvent.NeedMore:
                    return true;
                case SshEvent.Closed:
                    return false;
                case SshEvent.Data:
                    Volatile.Write(ref _datagramAt, now);
                    _owner.Received(this, bytes.Slice(start + step.DataOffset, step.DataLength));
                    break;
                case SshEvent.HostVerified:
                    _verified.TrySetResult(true);
                    break;
                case SshEvent.Open:
                    Volatile.Write(ref _datagramAt, now);
                    _owner.Opened(this);
                    _opened.TrySetResult(true);
                    break;
                case SshEvent.RemoteEnded:
                    End();
                    _owner.RemoteEnded(this);
                    break;
                default:
                    NoteRekeys();
                    break;
            }
            start += step.Consumed;
        }
        return true;
    }

    private void NoteRekeys()
    {
        int exchanges = _connection.KeyExchanges;
        if (exchanges > _exchanges)
        {
            // The first comes with the connection.
            _counters.CountRekeys(exchanges - Math.Max(1, _exchanges));
            _exchanges = exchanges;
        }
    }

    private async Task WriteAsync()
    {
        byte[] control = GC.AllocateUninitializedArray<byte>(ControlBytes, pinned: true);
        try
        {
            while (true)
            {
                int length = _connection.WriteControl(control, Now);
                if (length > 0)
                {
                    await SendAsync(control.AsMemory(0, length)).ConfigureAwait(false);
                }
                else if (_connection.Failure is not null)
                {
                    return;
                }
                else if (_queue.TryTake(_connection) is { } packet)
                {
                    length = _connection.SealData(packet.Buffer, packet.Length, Now);
                    await SendAsync(packet.Buffer.AsMemory(0, length)).ConfigureAwait(false);
                    _counters.CountSent(packet.Datagrams);
                    _pool.Return(packet);
                }
                else if (_ending && _queue.IsEmpty && !_connection.IsSendingEnded)
                {
                    _connection.EndSending();
                }
                else if (_connection.IsEnded)
                {
                    _socket.Shutdown(SocketShutdown.Send);
                    return;
                }
                else
                {
                    await _wake.WaitAsync().ConfigureAwait(false);
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Lost, or given up here.
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await _socket.SendAsync(bytes, SocketFlags.None).ConfigureAwait(false)..];
        }
    }
}
