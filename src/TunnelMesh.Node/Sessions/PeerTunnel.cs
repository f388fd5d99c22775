using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using TunnelMesh.Node.Birthday;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Filter;
using TunnelMesh.Node.Paths;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Identity;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Node.Sessions;

/// <summary>
/// Everything the data plane keeps for one remote device. Owned by the thread of its lane; any thread may send, read the statistics
/// and leave packets for the owner.
/// </summary>
internal sealed class PeerTunnel
{
    /// <summary>Bounds of the queue that waits for a session.</summary>
    public const int MaxWaitingPackets = 128, MaxWaitingBytes = 256 * 1024;

    private readonly TimeProvider _time;
    private readonly PacketQueue _waiting = new(MaxWaitingPackets, MaxWaitingBytes);
    private long _rxBytes, _txBytes, _lastDataAt = PeerPath.Never, _lastSentAt = PeerPath.Never;
    private long _metAt = PeerPath.Never;
    private int _posted, _held;
    private int _dozing = 1;
    private long _awayAt = long.MaxValue;
    private int _returned;
    private volatile PathAddress[] _offers;
    private PathAddress[]? _taken;

    public PeerTunnel(PeerSpec spec, TimeProvider time, int mtu, BirthdayTurns turns)
    {
        _time = time;
        Spec = spec;
        Paths = new PeerPaths(time.TimestampFrequency, mtu, spec.Transports, spec.Stock);
        Repeater = new InitiationRepeater(time);
        Birthday = new PeerBirthday(time.TimestampFrequency, turns);
        _offers = OffersOf(spec);
        _awayAt = spec.Online ? long.MaxValue : time.GetTimestamp();
    }

    /// <summary>The WireGuard side; set right after construction, since it refers back to this.</summary>
    public WireGuardPeer Session { get; set; } = null!;

    public PeerSpec Spec { get; private set; }

    /// <summary>What the packet filter keeps for the peer; null where there is no filter.</summary>
    public FilterPeer? Filter { get; init; }

    public PeerPaths Paths { get; }

    public InitiationRepeater Repeater { get; }

    /// <summary>The way between a hard and an easy NAT.</summary>
    public PeerBirthday Birthday { get; }

    /// <summary>True when the map names a way to the peer, or a carrier may have one.</summary>
    public bool HasOffers => _offers.Length > 0;

    /// <summary>True when the map offers other ways than the owner has taken notice of.</summary>
    public bool HasNewOffers => _taken is not null && !ReferenceEquals(_taken, _offers);

    /// <summary>True when the map says something that the owner has not taken notice of.</summary>
    public bool HasNews => HasNewOffers || Volatile.Read(ref _returned) != 0;

    /// <summary>True while the owner does not watch the paths, because nothing was sent for a while: whoever sends wakes it. Any thread.</summary>
    public bool IsDozing => Volatile.Read(ref _dozing) != 0;

    /// <summary>True while packets wait here or on their way to the owner: a newer one has to line up behind them. Any thread.</summary>
    public bool HasBacklog => Volatile.Read(ref _posted) != 0 || Volatile.Read(ref _held) != 0;

    /// <summary>Timestamp at which the timers are looked at next; of a new one, at once.</summary>
    public long Deadline { get; set; } = long.MinValue;

    /// <summary>Timestamp of the last inner packet either way; <see cref="PeerPath.Never"/> when there was none.</summary>
    public long LastDataAt => Volatile.Read(ref _lastDataAt);

    /// <summary>Timestamp of the last inner packet sent; <see cref="PeerPath.Never"/> when there was none.</summary>
    public long LastSentAt => Volatile.Read(ref _lastSentAt);

    /// <summary>Timestamp of the last authenticated datagram from the peer; null when there was none.</summary>
    public long? LastHeardAt { get; set; }

    /// <summary>Takes over candidates and settings that changed; keys stay. By one thread at a time, not the owner's.</summary>
    public void Update(PeerSpec spec)
    {
        NotePresence(spec.Online);

        // Another order counts as news too where it offers nothing new: paths that the peer itself has shown are ordered by it as well.
        bool reordered = !spec.Transports.SequenceEqual(Spec.Transports);
        Spec = spec;
        PathAddress[] offers = OffersOf(spec);
        if (reordered || !offers.AsSpan().SequenceEqual(_offers))
        {
            _offers = offers;
        }

        Session.PersistentKeepaliveSeconds = spec.PersistentKeepaliveSeconds;
    }

    // By the thread that updates.
    private void NotePresence(bool online)
    {
        if (online == Spec.Online)
        {
            return;
        }

        if (online)
        {
            Volatile.Write(ref _returned, 1);
        }
        else
        {
            Volatile.Write(ref _awayAt, _time.GetTimestamp());
        }
    }

    /// <summary>
    /// True once after the device has come back to the coordinator, if nothing shows that it was there all the time: then it was restarted, and knows the keys no more. By the owner.
    /// </summary>
    public bool TakeRestart(long now)
    {
        if (Volatile.Read(ref _returned) == 0 || Interlocked.Exchange(ref _returned, 0) == 0)
        {
            return false;
        }

        // What was under way when it went does not count; what came this very moment does, since no start is as quick.
        return LastHeardAt is not { } heard
            || (heard < Volatile.Read(ref _awayAt) + _time.After(0, PathTiming.Parting) && now - heard > _time.After(0, PathTiming.Silence));
    }

    /// <summary>Takes over the ways that the map offers now. By the owner.</summary>
    public void TakeOffers(ITunnelOutput output, long now)
    {
        PathAddress[] offers = _offers;
        if (ReferenceEquals(offers, _taken))
        {
            return;
        }

        _taken = offers;
        Paths.Offer(offers, Spec.Transports, now);
        foreach (ref readonly PathAddress offer in offers.AsSpan())
        {
            if (offer.Transport == PathTransport.Relay)
            {
                // The stream to the relay stands in any case; from now on it tells of this device.
                output.Prepare(offer);
            }

            if (offer.Transport != PathTransport.Udp)
            {
                Paths.NoteOpen(offer, output.IsOpen(offer), now);
            }
        }
    }

    /// <summary>False when the peer asked to meet only just now: what it names makes us send. By the owner.</summary>
    public bool TryHeedMeeting(long now)
    {
        if (now - _metAt < _time.TimestampFrequency)
        {
            return false;
        }

        _metAt = now;
        return true;
    }

    /// <summary>Asks the carriers of streams for a way to the peer. By the owner.</summary>
    public void OpenStreams(ITunnelOutput output, long now)
    {
        foreach (ref readonly PathAddress offer in _offers.AsSpan())
        {
            if (offer.Transport != PathTransport.Udp)
            {
                bool open = output.IsOpen(offer);
                Paths.NoteOpen(offer, open, now);
                if (!open)
                {
                    output.Prepare(offer);
                }
            }
        }
    }

    /// <summary>The owner stops to watch. By the owner.</summary>
    public void Doze() => Volatile.Write(ref _dozing, 1);

    /// <summary>True for one of those who send at the same time: it has the owner watch again. Any thread.</summary>
    public bool TakeDoze() => IsDozing && Interlocked.Exchange(ref _dozing, 0) == 1;

    /// <summary>A packet is on its way to the owner. Any thread.</summary>
    public void NotePosted() => Interlocked.Increment(ref _posted);

    /// <summary>The owner has it, or it was lost.</summary>
    public void NoteTaken() => Interlocked.Decrement(ref _posted);

    /// <summary>Puts a packet into the queue that waits for a session; how many were lost for it.</summary>
    public int Wait(ReadOnlySpan<byte> packet, long now)
    {
        int lost = _waiting.Enqueue(packet, now);
        Volatile.Write(ref _held, _waiting.Count);
        return lost;
    }

    /// <summary>Takes the oldest waiting packet if it came before a timestamp.</summary>
    public bool TryTakeWaiting(long before, [NotNullWhen(true)] out byte[]? packet)
    {
        bool taken = _waiting.TryDequeueOlder(before, out packet);
        Volatile.Write(ref _held, _waiting.Count);
        return taken;
    }

    /// <summary>Any thread.</summary>
    public void NoteSentData(int bytes, long now)
    {
        Interlocked.Add(ref _txBytes, bytes);
        Volatile.Write(ref _lastSentAt, now);
        Volatile.Write(ref _lastDataAt, now);
        Paths.NoteSent(now);
    }

    public void NoteReceivedData(int bytes, long now)
    {
        Volatile.Write(ref _rxBytes, _rxBytes + bytes);
        Volatile.Write(ref _lastDataAt, now);
    }

    /// <summary>A ping that waits for a session or for its echo; null for none. By the owner.</summary>
    public PendingPing? Ping { get; set; }

    /// <summary>How it is doing. Any thread.</summary>
    /// <param name="paths">False leaves out the single paths.</param>
    public PeerStats GetStats(bool paths = true)
    {
        PathRoute route = Paths.Route;
        long now = _time.GetTimestamp(), handshake = Session.LastHandshakeUnixMs;
        PeerPath? path = Paths.All.FirstOrDefault(p => p.Address == route.First);
        bool live = path is { IsOpen: true } && Session.SendKeypair is { } keys && keys.IsAlive(now);
        return new PeerStats
        {
            DeviceId = Spec.DeviceId,
            Path = live ? PathNames.Of(route.First.Transport) : "none",
            Endpoint = route.First.Endpoint.IsNone ? null : route.First.ToString(),
            RttMs = live ? Milliseconds(path) : null,
            RxBytes = Volatile.Read(ref _rxBytes),
            TxBytes = Volatile.Read(ref _txBytes),
            LastHandshakeUnix = handshake == 0 ? null : handshake / 1000,
            PathChanges = Paths.Changes,
            Nat = Birthday.Told,
            IsSearching = Birthday.IsSearching,
            Paths = paths ? [.. Paths.All.Select(p => StatsOf(p, route, now))] : [],
        };
    }

    private PathStats StatsOf(PeerPath path, PathRoute route, long now) => new()
    {
        Transport = PathNames.Of(path.Address.Transport),
        Endpoint = path.Address.Endpoint.IsNone ? null : path.Address.ToString(),
        InUse = path.IsOpen && path.Address == route.First,
        Offered = path.IsOffered,
        Open = path.IsOpen,
        State = path.State.ToString().ToLower(CultureInfo.InvariantCulture),
        RttMs = Milliseconds(path),
        Loss = path.Loss,
        Mtu = path.Mtu,
        Probes = path.Probes,
        Echoes = path.Echoes,
        HeardMsAgo = path.HeardAt == PeerPath.Never ? null : _time.GetElapsedTime(path.HeardAt, now).TotalMilliseconds,
    };

    private double? Milliseconds(PeerPath? path) => path is { RoundTrip: >= 0 and var ticks } ? ticks * 1000.0 / _time.TimestampFrequency : null;

    // A device has one ID on the wire of the carriers; what is no such number (a stock client, say) is not behind any.
    private static PathAddress[] OffersOf(PeerSpec spec)
    {
        bool carried = UInt128.TryParse(spec.DeviceId, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out UInt128 device) && spec.DeviceId.Length == DeviceId.TextLength && !spec.Stock;
        return [.. spec.Transports.SelectMany(IEnumerable<PathAddress> (transport) =>
            transport == PathTransport.Udp ? spec.Candidates.Select(c => PathAddress.Udp(UdpEndpoint.From(c)))
            : carried ? [PathAddress.Over(transport, device)]
            : [])];
    }
}
