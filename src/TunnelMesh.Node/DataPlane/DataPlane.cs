using TunnelMesh.Platform.Lanes;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Protocol.Packets.Offload;

namespace TunnelMesh.Node.DataPlane;

/// <summary>
/// The engine at work: one lane, a thread that owns the engine, its buffers and the reading side of TUN and socket, and runs
/// each packet to completion. What other threads want is left for it in a mailbox of one and picked up between batches.
/// </summary>
public sealed class DataPlane : ITunnelOutput, IDisposable
{
    // Packets and bytes taken from one side before the other has its turn, so that bulk one way does not starve the other. Bytes may
    // be exceeded by the last super-packet or train.
    private const int BatchPackets = 64, BatchBytes = 64 * 1024;

    // The largest UDP payload, or train.
    private const int MaxTrain = 65535;

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
                Offloads = options.Tun.Offloads,
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

    /// <summary>Offloads of the TUN in use.</summary>
    public TunOffloads TunOffloads => _options.Tun.Offloads;

    /// <summary>Offloads of the socket in use.</summary>
    public UdpOffloads UdpOffloads => _options.Socket.Offloads;

    /// <summary>Trains of datagrams that the system refused, and that went one by one.</summary>
    public long SegmentationFallbacks => _options.Socket.SegmentationFallbacks;

    /// <summary>Ends with the data plane; faults with a <see cref="TunException"/> when the interface is gone.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Starts the lane.</summary>
    /// <param name="options">Devices and keys; the devices are disposed too when starting fails.</param>
    /// <exception cref="PlatformNotSupportedException">The devices are not of one operating system.</exception>
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
    int ITunnelOutput.SendDatagrams(ReadOnlySpan<byte> datagrams, int segmentSize, in UdpEndpoint destination) =>
        _options.Socket.SendSegments(datagrams, segmentSize, destination);

    /// <inheritdoc/>
    bool ITunnelOutput.WriteGroup(in VirtioNetHeader header, ReadOnlySpan<byte> packetHeader, ReadOnlySpan<byte> buffer, ReadOnlySpan<PacketSlice> payload) =>
        _options.Tun.WriteGroup(header, packetHeader, buffer, payload);

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
        byte[] frame = GC.AllocateUninitializedArray<byte>(ushort.MaxValue, pinned: true);
        byte[] datagrams = GC.AllocateUninitializedArray<byte>(BatchBytes + MaxTrain, pinned: true);
        var trains = new ReceivedTrain[BatchPackets];
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
            more = events.HasFlag(LaneEvents.Datagrams) && ReceiveDatagrams(datagrams, trains);
            packets = events.HasFlag(LaneEvents.Packets) && ReadPackets(frame);
        }
    }

    /// <summary>True when there may be more.</summary>
    private bool ReceiveDatagrams(byte[] buffer, ReceivedTrain[] trains)
    {
        int count = 0, filled = 0;
        bool more = true;
        while (count < trains.Length && filled <= BatchBytes)
        {
            int length = _options.Socket.ReceiveSegments(buffer.AsSpan(filled, Math.Min(MaxTrain, buffer.Length - filled)), out int segmentSize, out UdpEndpoint source);
            if (length == 0)
            {
                more = false;
                break;
            }

            trains[count++] = new ReceivedTrain(filled, length, segmentSize, source);
            filled += length;
        }

        if (count > 0)
        {
            _engine.HandleTrains(buffer, trains.AsSpan(0, count));
        }

        return more;
    }

    /// <summary>True when there may be more.</summary>
    private bool ReadPackets(byte[] frame)
    {
        bool more = true;
        for (int count = 0, taken = 0; count < BatchPackets && taken < BatchBytes; count++)
        {
            ReadOnlySpan<byte> packet = _options.Tun.TakeFrame(frame, out VirtioNetHeader header);
            if (packet.IsEmpty)
            {
                more = false;
                break;
            }

            _engine.HandleFrame(header, packet);
            taken += packet.Length;
        }

        _engine.Flush();
        return more;
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
