using TunnelMesh.Platform.Lanes;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Node.DataPlane;

/// <summary>
/// The engine at work: one lane, a thread that owns the engine, its buffers and the reading side of TUN and socket, and runs
/// each packet to completion. What other threads want is left for it in a mailbox of one and picked up between batches.
/// </summary>
public sealed class DataPlane : ITunnelOutput, IDisposable
{
    // Packets taken from one side before the other has its turn, so that bulk one way does not starve the other.
    private const int Batch = 64;

    // The largest UDP payload fits; pages that no datagram reaches are never touched.
    private const int Stride = 65536;
    private const int ReceiveBatch = 32;

    private readonly DataPlaneOptions _options;
    private readonly TunnelEngine _engine;
    private readonly LanePoller _poller;
    private readonly Thread _thread;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IReadOnlyCollection<PeerSpec>? _wanted;
    private volatile bool _stop;
    private int _disposed;

    private DataPlane(DataPlaneOptions options, LanePoller poller)
    {
        _options = options;
        _poller = poller;
        _engine = new TunnelEngine(
            new TunnelEngineOptions
            {
                Key = options.Key,
                Time = options.Time,
                LastSent = options.LastSent,
                Mtu = options.Tun.Mtu,
                Addresses = options.Tun.Addresses,
                HandshakesPerSecondBeforeCookies = options.HandshakesPerSecondBeforeCookies,
            },
            this);
        _thread = new Thread(Run) { IsBackground = true, Name = "tunnelmesh-lane" };
    }

    /// <summary>Dropped packets by reason.</summary>
    public DataPlaneCounters Counters => _engine.Counters;

    /// <summary>Handshake datagrams by result.</summary>
    public WireGuardCounters HandshakeCounters => _engine.HandshakeCounters;

    /// <summary>Peers left out because of an unusable key, since start.</summary>
    public long RefusedPeers => _engine.RefusedPeers;

    /// <summary>Ends with the data plane; faults with a <see cref="TunException"/> when the interface is gone.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Starts the lane.</summary>
    /// <param name="options">Devices and keys; the devices are disposed too when starting fails.</param>
    /// <exception cref="PlatformNotSupportedException">There is no data plane for this operating system yet.</exception>
    /// <exception cref="IOException">The system has no descriptor left.</exception>
    public static DataPlane Start(DataPlaneOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        try
        {
            var plane = new DataPlane(options, LanePoller.Create(options.Tun, options.Socket));
            plane._thread.Start();
            return plane;
        }
        catch
        {
            options.Tun.Dispose();
            options.Socket.Dispose();
            throw;
        }
    }

    /// <summary>Replaces the list of peers; of several lists given in a row the last one counts. Any thread, returns at once.</summary>
    /// <param name="peers">All peers; not changed afterwards.</param>
    public void SetPeers(IReadOnlyCollection<PeerSpec> peers)
    {
        ArgumentNullException.ThrowIfNull(peers);
        Volatile.Write(ref _wanted, peers);
        if (!_completion.Task.IsCompleted)
        {
            _poller.Wake();
        }
    }

    /// <summary>How each tunnel is doing. Any thread.</summary>
    public IReadOnlyList<PeerStats> GetStats() => _engine.GetStats();

    /// <summary>Ends the lane, zeroes the sessions' keys and removes the interface.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        _stop = true;
        _poller.Wake();
        _thread.Join();
        _options.Tun.Dispose();
        _options.Socket.Dispose();
        _poller.Dispose();
    }

    /// <inheritdoc/>
    bool ITunnelOutput.SendDatagram(ReadOnlySpan<byte> datagram, in UdpEndpoint destination) => _options.Socket.Send(datagram, destination);

    /// <inheritdoc/>
    bool ITunnelOutput.WritePacket(ReadOnlySpan<byte> packet) => _options.Tun.Write(packet);

    private void Run()
    {
        try
        {
            Loop();
            _engine.Clear();
            _completion.TrySetResult();
        }
#pragma warning disable CA1031 // Whatever ends the lane has to reach whoever waits for it; a thread has no other way to tell.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _engine.Clear();
            _completion.TrySetException(e);
        }
    }

    private void Loop()
    {
        byte[] frame = GC.AllocateUninitializedArray<byte>(TunnelSender.FrameBytes(ushort.MaxValue), pinned: true);
        byte[] datagrams = GC.AllocateUninitializedArray<byte>(ReceiveBatch * Stride, pinned: true);
        int[] lengths = new int[ReceiveBatch];
        UdpEndpoint[] sources = new UdpEndpoint[ReceiveBatch];
        bool packets = false, more = false;
        while (!_stop)
        {
            if (Interlocked.Exchange(ref _wanted, null) is { } wanted)
            {
                _engine.SetPeers(wanted);
            }

            if (_options.Time.GetTimestamp() >= _engine.NextDeadline)
            {
                _engine.RunTimers();
            }

            LaneEvents events = _poller.Wait(packets || more ? 0 : Timeout());
            more = events.HasFlag(LaneEvents.Datagrams) && ReceiveDatagrams(datagrams, lengths, sources);
            packets = events.HasFlag(LaneEvents.Packets) && ReadPackets(frame);
        }
    }

    private bool ReceiveDatagrams(byte[] datagrams, int[] lengths, UdpEndpoint[] sources)
    {
        int count = _options.Socket.Receive(datagrams, Stride, lengths, sources);
        for (int i = 0; i < count; i++)
        {
            _engine.HandleDatagram(datagrams.AsSpan(i * Stride, lengths[i]), sources[i]);
        }

        return count == ReceiveBatch;
    }

    private bool ReadPackets(byte[] frame)
    {
        for (int i = 0; i < Batch; i++)
        {
            int length = _options.Tun.Read(frame.AsSpan(WireGuardMessage.TransportHeaderSize, ushort.MaxValue));
            if (length == 0)
            {
                return false;
            }

            _engine.HandlePacket(frame, length);
        }

        return true;
    }

    // Rounded up, so that the lane never wakes just before the deadline only to wait again.
    private int Timeout()
    {
        long deadline = _engine.NextDeadline;
        if (deadline == long.MaxValue)
        {
            return -1;
        }

        double milliseconds = _options.Time.GetElapsedTime(_options.Time.GetTimestamp(), deadline).TotalMilliseconds;
        return (int)Math.Clamp(Math.Ceiling(milliseconds), 0, 60_000);
    }
}
