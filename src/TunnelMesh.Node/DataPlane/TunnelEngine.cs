using TunnelMesh.Node.Sessions;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Protocol.Packets.Offload;

namespace TunnelMesh.Node.DataPlane;

/// <summary>
/// The tunnels of one device: packets and datagrams in, packets and datagrams out. No I/O and no clock of its own, so that a
/// simulation drives it as the real data plane does. One thread calls it; <see cref="GetStats"/> and the counters may be
/// read by any. The steady path neither allocates nor waits.
/// </summary>
public sealed class TunnelEngine
{
    private readonly TimeProvider _time;
    private readonly WireGuardDevice _device;
    private readonly TunnelSender _sender;
    private readonly HandshakeDriver _handshakes;
    private readonly OutboundPipeline _outbound;
    private readonly InboundPipeline _inbound;
    private readonly Dictionary<string, PeerTunnel> _byId = [];
    private volatile PeerTunnel[] _tunnels = [];
    private long _refused;

    /// <summary>Makes an engine without peers.</summary>
    /// <param name="options">What it needs.</param>
    /// <param name="output">Where its output goes.</param>
    public TunnelEngine(TunnelEngineOptions options, ITunnelOutput output)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(output);
        _time = options.Time;
        _device = new WireGuardDevice(options.Key, options.Time, options.Random, options.LastSent);
        var own = new InsideAddresses(options.Addresses);
        var unreachable = new UnreachableReporter(options.Time, own, output);
        _sender = new TunnelSender(options.Random, output, Counters, options.Mtu);
        _handshakes = new HandshakeDriver(_device, options.Time, output, Counters, options.HandshakesPerSecondBeforeCookies);
        _outbound = new OutboundPipeline(_sender, _handshakes, unreachable, Counters);
        _inbound = new InboundPipeline(_device, _sender, own, output, Counters, options.Offloads);
    }

    /// <summary>Dropped packets by reason.</summary>
    public DataPlaneCounters Counters { get; } = new();

    /// <summary>Handshake datagrams by result.</summary>
    public WireGuardCounters HandshakeCounters => _device.Counters;

    /// <summary>Peers that <see cref="SetPeers"/> left out because their key gives no secrecy or is another's too, since start.</summary>
    public long RefusedPeers => Interlocked.Read(ref _refused);

    /// <summary>When <see cref="RunTimers"/> is to be called next, a timestamp of the provider; <see cref="long.MaxValue"/> for not
    /// before something happens.</summary>
    public long NextDeadline { get; private set; } = long.MaxValue;

    /// <summary>Replaces the list of peers. Sessions of peers whose keys have not changed go on.</summary>
    /// <param name="peers">All peers; a device ID may come once.</param>
    public void SetPeers(IReadOnlyCollection<PeerSpec> peers)
    {
        ArgumentNullException.ThrowIfNull(peers);
        var wanted = new Dictionary<string, PeerSpec>(peers.Count);
        foreach (PeerSpec spec in peers)
        {
            wanted.TryAdd(spec.DeviceId, spec);
        }

        // First what goes, so that a key can come back under another ID.
        foreach (PeerTunnel known in _byId.Values.ToArray())
        {
            if (wanted.TryGetValue(known.Spec.DeviceId, out PeerSpec? spec) && SameKeys(known.Spec, spec))
            {
                known.Update(spec);
            }
            else
            {
                Remove(known);
            }
        }

        bool added = false;
        foreach (PeerSpec spec in wanted.Values.Where(s => !_byId.ContainsKey(s.DeviceId)))
        {
            added |= TryAdd(spec);
        }

        _tunnels = [.. _byId.Values];
        var routes = new RouteTable<PeerTunnel>(_tunnels.SelectMany(t => t.Spec.AllowedPrefixes.Select(p => KeyValuePair.Create(p, t))));
        _outbound.Routes = routes;
        _inbound.Routes = routes;
        if (added)
        {
            RetryHeld();
        }
    }

    /// <summary>Takes a packet or super-packet from the TUN. What can go is gathered until <see cref="Flush"/>, which has to follow
    /// before anything else is called.</summary>
    /// <param name="header">What the device said about it.</param>
    /// <param name="packet">At most 65535 bytes; free again on return.</param>
    public void HandleFrame(in VirtioNetHeader header, ReadOnlySpan<byte> packet)
    {
        long now = _time.GetTimestamp();
        if (_outbound.Handle(header, packet, now) is { } waiting)
        {
            Schedule(waiting, now);
        }
    }

    /// <summary>Seals and sends what <see cref="HandleFrame"/> gathered.</summary>
    public void Flush() => _sender.SendBatch();

    /// <summary>Takes one whole packet from the TUN and sends it.</summary>
    /// <param name="packet">At most 65535 bytes; free again on return.</param>
    public void HandlePacket(ReadOnlySpan<byte> packet)
    {
        HandleFrame(default, packet);
        Flush();
    }

    /// <summary>Takes a datagram from the network.</summary>
    /// <param name="datagram">The whole datagram, any bytes. Content is destroyed; the buffer is free again on return.</param>
    /// <param name="source">Where from.</param>
    public void HandleDatagram(Span<byte> datagram, in UdpEndpoint source)
    {
        var train = new ReceivedTrain(0, datagram.Length, datagram.Length, source);
        HandleTrains(datagram, new ReadOnlySpan<ReceivedTrain>(in train));
    }

    /// <summary>Takes datagrams from the network, in order.</summary>
    /// <param name="buffer">Holds all of them. Content is destroyed; free again on return.</param>
    /// <param name="trains">Where they lie.</param>
    public void HandleTrains(Span<byte> buffer, ReadOnlySpan<ReceivedTrain> trains)
    {
        long now = _time.GetTimestamp();
        foreach (ref readonly ReceivedTrain train in trains)
        {
            int at = train.Offset, end = train.Offset + train.Length;
            do
            {
                var slice = new PacketSlice(at, Math.Min(train.SegmentSize, end - at));
                HandleOne(buffer, slice, train.Source, now);
                at += slice.Length;
            }
            while (at < end);
        }

        Confirm(_inbound.Open(buffer, now), now);
        _inbound.Flush(buffer);
    }

    /// <summary>Does what the timers ask for. Call at or after <see cref="NextDeadline"/>; more often does no harm.</summary>
    public void RunTimers()
    {
        long now = _time.GetTimestamp();
        long next = long.MaxValue;
        foreach (PeerTunnel tunnel in _tunnels)
        {
            if (now >= tunnel.Deadline)
            {
                Run(tunnel, now);
            }

            next = Math.Min(next, tunnel.Deadline);
        }

        NextDeadline = next;
    }

    /// <summary>How each tunnel is doing. Any thread.</summary>
    public IReadOnlyList<PeerStats> GetStats() => [.. _tunnels.Select(t => t.GetStats())];

    /// <summary>Zeroes every key. The engine is not used afterwards.</summary>
    public void Clear() => SetPeers([]);

    private static bool SameKeys(PeerSpec a, PeerSpec b) =>
        a.PublicKey.AsSpan().SequenceEqual(b.PublicKey) && a.PresharedKey.AsSpan().SequenceEqual(b.PresharedKey) && a.Stock == b.Stock;

    private bool TryAdd(PeerSpec spec)
    {
        var tunnel = new PeerTunnel(spec, _time);
        try
        {
            tunnel.Session = _device.AddPeer(spec.PublicKey, spec.PresharedKey, tunnel);
        }
        catch (ArgumentException)
        {
            // Another member's signed key may still be a bad one: it must cost nobody else the mesh.
            Interlocked.Increment(ref _refused);
            return false;
        }

        tunnel.Session.PersistentKeepaliveSeconds = spec.PersistentKeepaliveSeconds;
        _byId.Add(spec.DeviceId, tunnel);
        Schedule(tunnel, _time.GetTimestamp());
        return true;
    }

    private void Remove(PeerTunnel tunnel)
    {
        _byId.Remove(tunnel.Spec.DeviceId);
        _device.RemovePeer(tunnel.Session);
        tunnel.Repeater.Stop();
    }

    private void HandleHandshake(ReadOnlySpan<byte> datagram, in UdpEndpoint source, long now)
    {
        HandshakeResult result = _handshakes.Handle(datagram, source, now, out PeerTunnel? tunnel);
        if (tunnel is null)
        {
            return;
        }

        if (result == HandshakeResult.SessionEstablished)
        {
            SessionReady(tunnel, now);
        }
        else
        {
            Schedule(tunnel, now);
        }
    }

    private void HandleOne(Span<byte> buffer, PacketSlice slice, in UdpEndpoint source, long now)
    {
        Span<byte> datagram = buffer.Slice(slice.Offset, slice.Length);
        switch (WireGuardMessage.TypeOf(datagram))
        {
            case WireGuardMessage.Transport:
                Confirm(_inbound.Add(buffer, slice, source, now), now);
                break;
            case WireGuardMessage.Initiation or WireGuardMessage.Response or WireGuardMessage.CookieReply:
                // In the order of arrival: a handshake may end the session that the run before it is of.
                Confirm(_inbound.Open(buffer, now), now);
                HandleHandshake(datagram, source, now);
                break;
            default:
                Counters.Drop(DropReason.Malformed);
                break;
        }
    }

    private void Confirm(PeerTunnel? confirmed, long now)
    {
        if (confirmed is not null)
        {
            SessionReady(confirmed, now);
        }
    }

    private void SessionReady(PeerTunnel tunnel, long now)
    {
        tunnel.Repeater.Stop();
        _sender.Flush(tunnel, now);
        if (!tunnel.Spec.Stock)
        {
            tunnel.Meter.Request();
        }

        // An initiator owes the first packet on the session (paper, 5.4.5): the keepalive goes now if nothing waited.
        Run(tunnel, now);
        NextDeadline = Math.Min(NextDeadline, tunnel.Deadline);
    }

    private void Run(PeerTunnel tunnel, long now)
    {
        PeerTimerActions actions = _device.RunTimers(tunnel.Session);
        if (actions.HasFlag(PeerTimerActions.SendKeepalive))
        {
            _sender.SendKeepalive(tunnel, now);
        }

        if (actions.HasFlag(PeerTimerActions.GiveUp))
        {
            tunnel.Repeater.Stop();
            _outbound.Refuse(tunnel, long.MaxValue);
        }

        if (actions.HasFlag(PeerTimerActions.SendInitiation))
        {
            // Nothing answered the initiation before this one, on any candidate: what waited for it is told so.
            _outbound.Refuse(tunnel, now - _time.TimestampFrequency * (long)HandshakeClock.RekeyTimeout.TotalSeconds);
            _handshakes.Begin(tunnel, now);
        }

        _handshakes.Repeat(tunnel, now);
        if (tunnel.Meter.IsDue(now, tunnel.LastDataAt) && !tunnel.Endpoints.Current.IsNone
            && _sender.SendProbe(tunnel, tunnel.Endpoints.Current, now) is { } challenge)
        {
            tunnel.Meter.NoteSent(challenge, now);
        }

        Schedule(tunnel, now);
    }

    private void Schedule(PeerTunnel tunnel, long now)
    {
        // Never at once again: whatever is due now has been done, and a millisecond cannot spin.
        long soonest = now + (_time.TimestampFrequency / 1000);
        tunnel.Deadline = Math.Max(soonest, Math.Min(_device.NextDeadline(tunnel.Session), tunnel.Repeater.NextDeadline));
        NextDeadline = Math.Min(NextDeadline, tunnel.Deadline);
    }

    private void RetryHeld()
    {
        long now = _time.GetTimestamp();

        // Those that are still unknown are held again, so each is taken once.
        for (int left = _handshakes.HeldCount; left > 0 && _handshakes.TryTakeHeld(now, out byte[] datagram, out UdpEndpoint source); left--)
        {
            HandleHandshake(datagram, source, now);
        }
    }
}
