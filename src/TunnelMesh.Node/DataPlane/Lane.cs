using TunnelMesh.Node.Nat;
using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Transports;
using TunnelMesh.Platform.Lanes;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Packets.Offload;

namespace TunnelMesh.Node.DataPlane;

/// <summary>
/// A queue of the TUN device, a socket, buffers, and the thread that owns the engine of this lane's peers and runs each packet to completion; with two
/// threads a second one reads the TUN and only seals and sends. Packets that leave may be of any lane's peers, since any
/// thread may seal; what comes in is opened by the lane of its peer, so that a session's packets stay in order. What other threads want is left
/// in a mailbox and picked up between batches.
/// </summary>
internal sealed class Lane : ITunnelOutput, IDisposable
{
    // Packets taken from one side before the other has its turn, so that bulk one way does not starve the other. The bytes may
    // be exceeded by the last super-packet or train.
    private const int BatchPackets = 64;

    // The largest UDP payload, or train.
    private const int MaxTrain = 65535;

    // Letters taken before the devices have their turn.
    private const int MaxLetters = 64;

    private readonly DataPlaneOptions _options;
    private readonly LaneDevices _devices;
    private readonly TunnelEngine _engine;
    private readonly OutboundPipeline? _sending;
    private readonly LanePoller _poller;
    private readonly LanePoller? _sendPoller;
    private readonly LaneMail _mail;
    private readonly CarrierInbox _inbox;
    private readonly CarrierSet _carriers;
    private readonly SideSockets? _sockets;
    private readonly Action<Exception?> _ended;
    private readonly Thread[] _threads;
    private readonly RollCall _roll, _sendRoll;
    private readonly LaneAffinity?[] _affinities;
    private volatile bool _stop;

    /// <summary>Prepares a lane; nothing runs before <see cref="Start"/>.</summary>
    /// <param name="options">Of the whole data plane.</param>
    /// <param name="members">Shared by all lanes.</param>
    /// <param name="number">Which lane this is.</param>
    /// <param name="mail">All lanes' mail, by number.</param>
    /// <param name="carriers">Of the whole data plane.</param>
    /// <param name="sockets">Beside the tunnel's port; null where there are none.</param>
    /// <param name="ended">Told once by each thread how it ended.</param>
    /// <exception cref="PlatformNotSupportedException">The devices are not of one operating system.</exception>
    /// <exception cref="IOException">The system has no descriptor left.</exception>
    public Lane(DataPlaneOptions options, TunnelMembers members, int number, IReadOnlyList<LaneMail> mail, CarrierSet carriers, SideSockets? sockets, Action<Exception?> ended)
    {
        (_options, _devices, _mail, _carriers, _sockets, _ended) = (options, options.Lanes[number], mail[number], carriers, sockets, ended);
        _inbox = new CarrierInbox(Wake);
        (_roll, _sendRoll) = (new RollCall(Wake), new RollCall(() => _sendPoller?.Wake()));
        var engine = new TunnelEngineOptions
        {
            Key = options.Key,
            Time = options.Time,
            LastSent = options.LastSent,
            Mtu = _devices.Tun.Mtu,
            Addresses = _devices.Tun.Addresses,
            Offloads = _devices.Tun.Offloads,
            HandshakesPerSecondBeforeCookies = options.HandshakesPerSecondBeforeCookies,
        };
        _engine = new TunnelEngine(engine, this, members, number, mail);
        if (options.ThreadsPerLane == 1)
        {
            _poller = LanePoller.Create(_devices.Tun, _devices.Socket);
            Counters = [_engine.Counters];
            _affinities = new LaneAffinity?[1];
            _threads = [new Thread(() => Run(0, Loop)) { IsBackground = true, Name = $"lane {number}" }];
            return;
        }

        var counters = new DataPlaneCounters();
        _sending = new OutboundPipeline(
            members, new OutboundBatch(this, counters, engine.Mtu, members.Filter), new UnreachableReporter(options.Time, new InsideAddresses(engine.Addresses), this), counters, new LanePost(mail, counters));
        _poller = LanePoller.Create(null, _devices.Socket);
        try
        {
            _sendPoller = LanePoller.Create(_devices.Tun, null);
        }
        catch
        {
            _poller.Dispose();
            throw;
        }

        Counters = [_engine.Counters, counters];
        _affinities = new LaneAffinity?[2];
        _threads =
        [
            new Thread(() => Run(0, Loop)) { IsBackground = true, Name = $"lane {number} in" },
            new Thread(() => Run(1, SendLoop)) { IsBackground = true, Name = $"lane {number} out" },
        ];
    }

    /// <summary>Of each thread.</summary>
    public IReadOnlyList<DataPlaneCounters> Counters { get; }

    /// <summary>The processors that threads of this lane stay on, because they are busy there. Any thread.</summary>
    public IEnumerable<int> Processors => Enumerable.Range(0, _affinities.Length).Select(i => Volatile.Read(ref _affinities[i])?.Processor ?? LaneAffinity.None).Where(p => p != LaneAffinity.None);

    /// <summary>Whether any thread of this lane stays on a processor when it is busy. Any thread.</summary>
    public bool MayStay => Enumerable.Range(0, _affinities.Length).Any(i => Volatile.Read(ref _affinities[i]) is { MayStay: true });

    /// <summary>What carriers bring for this lane.</summary>
    public CarrierInbox Inbox => _inbox;

    /// <summary>How each tunnel of this lane is doing. Any thread.</summary>
    public IReadOnlyList<PeerStats> GetStats() => _engine.GetStats();

    /// <summary>Lets the threads go.</summary>
    public void Start()
    {
        foreach (Thread thread in _threads)
        {
            thread.Start();
        }
    }

    /// <summary>Has the owning thread look around. Any thread.</summary>
    public void Wake() => _poller.Wake();

    /// <summary>Ends when every thread of this lane has come round once more. Any thread.</summary>
    public Task AnswerAsync() => _sending is null ? _roll.Ask() : Task.WhenAll(_roll.Ask(), _sendRoll.Ask());

    /// <summary>Asks the threads to end. Any thread, returns at once.</summary>
    public void Stop()
    {
        _stop = true;
        _poller.Wake();
        _sendPoller?.Wake();
    }

    /// <summary>Ends the threads; the devices stay.</summary>
    public void Dispose()
    {
        Stop();
        foreach (Thread thread in _threads)
        {
            if (thread.ThreadState.HasFlag(ThreadState.Unstarted))
            {
                continue;
            }

            thread.Join();
        }

        _poller.Dispose();
        _sendPoller?.Dispose();
    }

    /// <inheritdoc/>
    bool ITunnelOutput.SendDatagram(ReadOnlySpan<byte> datagram, in PathAddress destination) => destination.IsOwnPort
        ? _devices.Socket.Send(datagram, destination.Endpoint)
        : SendElsewhere(datagram, datagram.Length, destination) == 0;

    /// <inheritdoc/>
    int ITunnelOutput.SendDatagrams(ReadOnlySpan<byte> datagrams, int segmentSize, in PathAddress destination) => destination.IsOwnPort
        ? _devices.Socket.SendSegments(datagrams, segmentSize, destination.Endpoint)
        : SendElsewhere(datagrams, segmentSize, destination);

    /// <inheritdoc/>
    bool ITunnelOutput.IsOpen(in PathAddress path) => path.Transport == PathTransport.Udp || _carriers.IsOpen(path);

    /// <inheritdoc/>
    void ITunnelOutput.Prepare(in PathAddress path) => _carriers.Prepare(path);

    /// <inheritdoc/>
    void ITunnelOutput.Meet(string deviceId) => _options.Meet?.Invoke(deviceId);

    /// <inheritdoc/>
    NatKind ITunnelOutput.Nat => _options.Nat?.Invoke() ?? NatKind.Unknown;

    /// <inheritdoc/>
    ushort ITunnelOutput.OpenSocket(string deviceId) => _sockets?.Open(deviceId) ?? 0;

    /// <inheritdoc/>
    void ITunnelOutput.CloseSocket(ushort socket) => _sockets?.Close(socket);

    /// <inheritdoc/>
    bool ITunnelOutput.TakeStun(ReadOnlySpan<byte> datagram, in PathAddress source) =>
        source.IsOwnPort && _options.Stun is { } stun && stun(datagram, source.Endpoint);

    /// <inheritdoc/>
    bool ITunnelOutput.WriteGroup(in VirtioNetHeader header, ReadOnlySpan<byte> packetHeader, ReadOnlySpan<byte> buffer, ReadOnlySpan<PacketSlice> payload) =>
        _devices.Tun.WriteGroup(header, packetHeader, buffer, payload);

    /// <inheritdoc/>
    bool ITunnelOutput.WritePacket(ReadOnlySpan<byte> packet) => _devices.Tun.Write(packet);

    private int SendElsewhere(ReadOnlySpan<byte> datagrams, int segmentSize, in PathAddress destination) => destination.Transport != PathTransport.Udp
        ? _carriers.Send(destination, datagrams, segmentSize)
        : _sockets?.Send(destination, datagrams, segmentSize) ?? Trains.CountOf(datagrams.Length, segmentSize);

    private void Run(int thread, Action<LaneAffinity?> loop)
    {
        Exception? failure = null;
        try
        {
            using ThreadScheduling? schedule = _options.StayOnProcessor ? ThreadScheduling.OfThisThread() : null;
            LaneAffinity? affinity = schedule is null ? null : new LaneAffinity(schedule, _options.Time.TimestampFrequency);
            Volatile.Write(ref _affinities[thread], affinity);
            loop(affinity);
        }
#pragma warning disable CA1031 // Whatever ends a lane has to reach whoever waits for it; a thread has no other way to tell.
        catch (Exception e)
#pragma warning restore CA1031
        {
            failure = e;
        }

        _ended(failure);
    }

    private void Loop(LaneAffinity? affinity)
    {
        byte[]? frame = _sending is null ? GC.AllocateUninitializedArray<byte>(ushort.MaxValue, pinned: true) : null;
        byte[] datagrams = GC.AllocateUninitializedArray<byte>(_options.BatchBytes + MaxTrain, pinned: true);
        var trains = new ReceivedTrain[BatchPackets];
        bool packets = false, more = false, letters = false;
        while (!_stop)
        {
            _roll.Answer();
            _engine.NoticeMembers();
            letters = TakeLetters();
            long now = _options.Time.GetTimestamp();
            affinity?.Notice(now);
            if (now >= _engine.NextDeadline)
            {
                _engine.RunTimers();
            }

            bool carried = TakeCarried();
            LaneEvents events = _poller.Wait(packets || more || letters || carried ? 0 : Timeout(Math.Min(_engine.NextDeadline, affinity?.Deadline ?? long.MaxValue)));
            more = events.HasFlag(LaneEvents.Datagrams) && ReceiveDatagrams(datagrams, trains);
            packets = frame is not null && events.HasFlag(LaneEvents.Packets) && ReadPackets(frame, _engine.Outbound);
        }
    }

    private void SendLoop(LaneAffinity? affinity)
    {
        byte[] frame = GC.AllocateUninitializedArray<byte>(ushort.MaxValue, pinned: true);
        for (bool more = false; !_stop;)
        {
            _sendRoll.Answer();
            affinity?.Notice(_options.Time.GetTimestamp());
            more = _sendPoller!.Wait(more ? 0 : Timeout(affinity?.Deadline ?? long.MaxValue)).HasFlag(LaneEvents.Packets) && ReadPackets(frame, _sending!);
        }
    }

    /// <summary>True when there may be more.</summary>
    private bool TakeLetters()
    {
        int taken = 0;
        for (; taken < MaxLetters && _mail.TryTake(out LaneLetter letter); taken++)
        {
            _engine.Handle(letter);
        }

        return taken == MaxLetters;
    }

    /// <summary>True when there may be more.</summary>
    private bool TakeCarried()
    {
        int bytes = 0;
        while (bytes <= _options.BatchBytes)
        {
            if (!_inbox.TryTake(out byte[] buffer, out ReceivedTrain train))
            {
                return false;
            }

            _engine.HandleTrains(buffer, new ReadOnlySpan<ReceivedTrain>(in train));
            CarrierInbox.Return(buffer);
            bytes += train.Length;
        }

        return true;
    }

    /// <summary>True when there may be more.</summary>
    private bool ReceiveDatagrams(byte[] buffer, ReceivedTrain[] trains)
    {
        int count = 0, filled = 0;
        bool more = true;
        while (count < trains.Length && filled <= _options.BatchBytes)
        {
            int length = _devices.Socket.ReceiveSegments(buffer.AsSpan(filled, Math.Min(MaxTrain, buffer.Length - filled)), out int segmentSize, out UdpEndpoint source);
            if (length == 0)
            {
                more = false;
                break;
            }

            trains[count++] = new ReceivedTrain(filled, length, segmentSize, PathAddress.Udp(source));
            filled += length;
        }

        if (count > 0)
        {
            _engine.HandleTrains(buffer, trains.AsSpan(0, count));
        }

        return more;
    }

    /// <summary>True when there may be more.</summary>
    private bool ReadPackets(byte[] frame, OutboundPipeline outbound)
    {
        bool more = true;
        for (int count = 0, taken = 0; count < BatchPackets && taken < _options.BatchBytes; count++)
        {
            ReadOnlySpan<byte> packet = _devices.Tun.TakeFrame(frame, out VirtioNetHeader header);
            if (packet.IsEmpty)
            {
                more = false;
                break;
            }

            outbound.Handle(header, packet, _options.Time.GetTimestamp());
            taken += packet.Length;
        }

        outbound.Flush();
        return more;
    }

    // Rounded up, so that the lane never wakes just before the deadline only to wait again.
    private int Timeout(long deadline)
    {
        if (deadline == long.MaxValue)
        {
            return -1;
        }

        double milliseconds = _options.Time.GetElapsedTime(_options.Time.GetTimestamp(), deadline).TotalMilliseconds;
        return (int)Math.Clamp(Math.Ceiling(milliseconds), 0, 60_000);
    }
}
