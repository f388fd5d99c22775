using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Sessions;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Protocol.Packets;
using TunnelMesh.Protocol.Packets.Offload;

namespace TunnelMesh.Node.DataPlane;

/// <summary>
/// The tunnels of one lane, which are all of a device that has one lane: packets and datagrams in, packets and datagrams out. No I/O and no clock of its own, so that a
/// simulation drives it as the real data plane does. One thread calls it; <see cref="GetStats"/> and the counters may be
/// read by any. The steady path neither allocates nor waits.
/// </summary>
public sealed partial class TunnelEngine : IWaitingRoom
{
    private readonly TimeProvider _time;
    private readonly TunnelMembers _members;
    private readonly LanePost? _post;
    private readonly int _lane;
    private readonly ITunnelOutput _output;
    private readonly TunnelSender _sender;
    private readonly TunnelProber _prober;
    private readonly TunnelBirthday _birthday;
    private readonly HandshakeDriver _handshakes;
    private readonly InboundPipeline _inbound;
    private readonly UnreachableReporter _unreachable;
    private int _changes;

    /// <summary>Makes an engine without peers, the only one of its device.</summary>
    /// <param name="options">What it needs.</param>
    /// <param name="output">Where its output goes.</param>
    public TunnelEngine(TunnelEngineOptions options, ITunnelOutput output)
        : this(options, output, MembersOf(options), 0, null)
    {
    }

    /// <summary>Makes the engine of one lane.</summary>
    /// <param name="options">What it needs.</param>
    /// <param name="output">Where its output goes.</param>
    /// <param name="members">Shared by all lanes of the device.</param>
    /// <param name="lane">Number of the lane.</param>
    /// <param name="mail">Of all lanes, by number; null when there is one only.</param>
    internal TunnelEngine(TunnelEngineOptions options, ITunnelOutput output, TunnelMembers members, int lane, IReadOnlyList<LaneMail>? mail)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(output);
        (_time, _members, _lane, _output) = (options.Time, members, lane, output);
        _post = mail is { Count: > 1 } ? new LanePost(mail, Counters) : null;
        var own = new InsideAddresses(options.Addresses);
        var batch = new OutboundBatch(output, Counters, options.Mtu, members.Filter);
        _unreachable = new UnreachableReporter(options.Time, own, output);
        _sender = new TunnelSender(options.Random, output, batch, Counters, options.Mtu);
        StrangerBudget strangers = new(options.Time);
        _prober = new TunnelProber(options.Time, _sender, strangers);
        _birthday = new TunnelBirthday(options.Time, _sender, output, options.Random);
        _handshakes = new HandshakeDriver(members.Device, options.Time, output, Counters, options.HandshakesPerSecondBeforeCookies, strangers);
        Outbound = new OutboundPipeline(members, batch, _unreachable, Counters, this);
        _inbound = new InboundPipeline(members, _sender, own, output, Counters, options, Attend);
    }

    /// <summary>Dropped packets by reason.</summary>
    public DataPlaneCounters Counters { get; } = new();

    /// <summary>Handshake datagrams by result.</summary>
    public WireGuardCounters HandshakeCounters => _members.Device.Counters;

    /// <summary>Peers that <see cref="SetPeers"/> left out because their key gives no secrecy or is another's too, since start.</summary>
    public long RefusedPeers => _members.Refused;

    /// <summary>The way out, for the engine's thread.</summary>
    internal OutboundPipeline Outbound { get; }

    /// <summary>When <see cref="RunTimers"/> is to be called next, a timestamp of the provider; <see cref="long.MaxValue"/> for not
    /// before something happens.</summary>
    public long NextDeadline { get; private set; } = long.MaxValue;

    /// <summary>Replaces the list of peers. Sessions of peers whose keys have not changed go on. For the only engine of its device.</summary>
    /// <param name="peers">All peers; a device ID may come once.</param>
    public void SetPeers(IReadOnlyCollection<PeerSpec> peers)
    {
        ArgumentNullException.ThrowIfNull(peers);
        _members.Replace(peers);
        NoticeMembers();
    }

    /// <summary>Takes notice of new peers and of new ways to them: looks at their timers, and handles initiations again that were held for them. Cheap when there are none.</summary>
    internal void NoticeMembers()
    {
        int changes = _members.Changes;
        if (changes != _changes)
        {
            _changes = changes;
            NextDeadline = _time.GetTimestamp();
            RetryHeld();
        }
    }

    /// <summary>Takes a packet or super-packet from the TUN. What can go is gathered until <see cref="Flush"/>, which has to follow
    /// before anything else is called.</summary>
    /// <param name="header">What the device said about it.</param>
    /// <param name="packet">At most 65535 bytes; free again on return.</param>
    public void HandleFrame(in VirtioNetHeader header, ReadOnlySpan<byte> packet) => Outbound.Handle(header, packet, _time.GetTimestamp());

    /// <summary>Seals and sends what <see cref="HandleFrame"/> gathered.</summary>
    public void Flush() => Outbound.Flush();

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
    public void HandleDatagram(Span<byte> datagram, in PathAddress source)
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

    /// <summary>Takes what another thread left for this lane.</summary>
    internal void Handle(in LaneLetter letter)
    {
        long now = _time.GetTimestamp();
        switch (letter)
        {
            case { Tunnel: null, Bytes: { } datagram }:
                HandleDatagram(datagram, letter.Path);
                break;
            case { Tunnel: { } tunnel, Bytes: { } packet }:
                Keep(tunnel, packet, now);
                // Only now: a packet that comes while this one is on its way has to see it in one place or the other.
                tunnel.NoteTaken();
                Send(tunnel, now);
                break;
            case { Tunnel: { } tunnel }:
                Learn(tunnel, letter, now);
                break;
            case { News: LaneNews.NetworkChanged }:
                foreach (PeerTunnel tunnel in _members.OfLane(_lane))
                {
                    Learn(tunnel, letter, now);
                }

                break;
            default:
                break;
        }
    }

    /// <inheritdoc/>
    void IWaitingRoom.Hold(PeerTunnel tunnel, ReadOnlySpan<byte> packet, long now)
    {
        if (IsMine(tunnel))
        {
            Keep(tunnel, packet, now);
        }
        else
        {
            _post!.Hold(tunnel, packet, now);
        }
    }

    /// <inheritdoc/>
    void IWaitingRoom.Settle(PeerTunnel tunnel, long now)
    {
        if (IsMine(tunnel))
        {
            Send(tunnel, now);
        }
    }

    /// <inheritdoc/>
    void IWaitingRoom.Resume(PeerTunnel tunnel, long now)
    {
        if (IsMine(tunnel))
        {
            tunnel.Paths.NoteResumed(now);
            Attend(tunnel, now);
        }
        else
        {
            _post!.Resume(tunnel, now);
        }
    }

    /// <summary>Does what the timers ask for. Call at or after <see cref="NextDeadline"/>; more often does no harm.</summary>
    public void RunTimers()
    {
        long now = _time.GetTimestamp();
        long next = long.MaxValue;
        foreach (PeerTunnel tunnel in _members.OfLane(_lane))
        {
            if (now >= tunnel.Deadline || tunnel.HasNews)
            {
                Run(tunnel, now);
            }

            next = Math.Min(next, tunnel.Deadline);
        }

        NextDeadline = next;
    }

    /// <summary>How each tunnel is doing. Any thread.</summary>
    public IReadOnlyList<PeerStats> GetStats() => [.. _members.OfLane(_lane).Select(t => t.GetStats())];

    /// <summary>Zeroes every key. The engine is not used afterwards.</summary>
    public void Clear() => SetPeers([]);

    private static TunnelMembers MembersOf(TunnelEngineOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new TunnelMembers(new WireGuardDevice(options.Key, options.Time, options.Random, options.LastSent), options.Time, options.Mtu, options.Filter, options.Exit);
    }

    /// <summary>Looks at a peer's timers at the next opportunity.</summary>
    private void Attend(PeerTunnel tunnel, long now)
    {
        tunnel.Deadline = Math.Min(tunnel.Deadline, now);
        NextDeadline = Math.Min(NextDeadline, now);
    }

    private bool IsMine(PeerTunnel tunnel) => tunnel.Session.Lane == _lane;

    private void Keep(PeerTunnel tunnel, ReadOnlySpan<byte> packet, long now)
    {
        if (tunnel.Wait(packet, now) is > 0 and var lost)
        {
            Counters.Drop(DropReason.QueueFull, lost);
        }
    }

    private void Send(PeerTunnel tunnel, long now)
    {
        if (TunnelSender.CanSend(tunnel, now))
        {
            _sender.Flush(tunnel, now);
        }
        else
        {
            _handshakes.Begin(tunnel, now);
            Schedule(tunnel, now);
        }
    }

    private void Refuse(PeerTunnel tunnel, long before)
    {
        while (tunnel.TryTakeWaiting(before, out byte[]? packet))
        {
            Counters.Drop(DropReason.Unreachable);
            _unreachable.Report(packet, IcmpUnreachableKind.Host);
        }
    }

    private void HandleHandshake(ReadOnlySpan<byte> datagram, in PathAddress source, long since, long now)
    {
        HandshakeResult result = _handshakes.Handle(datagram, source, since, now, out PeerTunnel? tunnel);
        if (tunnel is null)
        {
            return;
        }

        if (!IsMine(tunnel))
        {
            // An initiation names its sender only inside: any lane answers it, and the owner goes on.
            _post?.Touch(tunnel);
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

    private void HandleOne(Span<byte> buffer, PacketSlice slice, in PathAddress source, long now)
    {
        Span<byte> datagram = buffer.Slice(slice.Offset, slice.Length);
        byte type = WireGuardMessage.TypeOf(datagram);
        if (_post is not null && WireGuardMessage.TryReadReceiver(datagram, type, out uint receiver) && _members.Device.LaneOf(receiver) is var lane && lane != _lane)
        {
            _post.Forward(lane, datagram, source);
            return;
        }

        switch (type)
        {
            case WireGuardMessage.Transport:
                Confirm(_inbound.Add(buffer, slice, source, now), now);
                break;
            case WireGuardMessage.Initiation or WireGuardMessage.Response or WireGuardMessage.CookieReply:
                // In the order of arrival: a handshake may end the session that the run before it is of.
                Confirm(_inbound.Open(buffer, now), now);
                HandleHandshake(datagram, source, now, now);
                break;
            default:
                if (!_output.TakeStun(datagram, source))
                {
                    Counters.Drop(DropReason.Malformed);
                }

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
        tunnel.Ping?.NoteSession();
        _sender.Flush(tunnel, now);
        // An initiator owes the first packet on the session (paper, 5.4.5): the keepalive goes now if nothing waited.
        Run(tunnel, now);
        NextDeadline = Math.Min(NextDeadline, tunnel.Deadline);
    }

    private void Run(PeerTunnel tunnel, long now)
    {
        PeerTimerActions actions = _members.Device.RunTimers(tunnel.Session);
        if (actions.HasFlag(PeerTimerActions.SendKeepalive))
        {
            _sender.SendKeepalive(tunnel, now);
        }

        if (actions.HasFlag(PeerTimerActions.GiveUp))
        {
            tunnel.Repeater.Stop();
            Refuse(tunnel, long.MaxValue);
        }

        if (actions.HasFlag(PeerTimerActions.SendInitiation))
        {
            // Nothing answered the initiation before this one, on any candidate: what waited for it is told so.
            Refuse(tunnel, now - _time.TimestampFrequency * (long)HandshakeClock.RekeyTimeout.TotalSeconds);
            _handshakes.Begin(tunnel, now);
        }

        _handshakes.Repeat(tunnel, now);
        RunPaths(tunnel, now);
        Schedule(tunnel, now);
    }

    private void Schedule(PeerTunnel tunnel, long now)
    {
        // Never at once again: whatever is due now has been done, and a millisecond cannot spin.
        long soonest = now + (_time.TimestampFrequency / 1000);
        long paths = Math.Min(tunnel.Paths.NextDeadline, tunnel.Birthday.NextDeadline);
        tunnel.Deadline = Math.Max(soonest, Math.Min(Math.Min(_members.Device.NextDeadline(tunnel.Session), tunnel.Repeater.NextDeadline), paths));
        NextDeadline = Math.Min(NextDeadline, tunnel.Deadline);
    }

    private void RetryHeld()
    {
        long now = _time.GetTimestamp();

        // Those that are still unknown go back to their place, or to one before it, so each is taken once.
        for (int place = 0; place < HeldInitiations.Places; place++)
        {
            if (_handshakes.TryTakeHeld(place, now, out ReadOnlySpan<byte> datagram, out PathAddress source, out long since))
            {
                HandleHandshake(datagram, source, since, now);
            }
        }
    }
}
