namespace TunnelMesh.Node.Paths;

/// <summary>
/// All ways to one peer: which there are, when each is probed, and which is used. Only fresh authenticated datagrams are reported here, so nobody else can
/// move anything. Pure but for <see cref="IPathProber"/>: no clock of its own. Owned by the thread of the peer's lane; <see cref="Route"/> and <see cref="All"/> may be read by any, and any may call <see cref="NoteSent"/>.
/// <para>A stock WireGuard peer is not probed: every authenticated datagram moves its endpoint (paper, section 2.1).</para>
/// <code>
/// Untried  small probes go out in a burst, then now and then      -> Sizing at the first echo
/// Sizing   full size, again, then all smaller sizes at once       -> Proven at the largest that comes back
/// Proven   in use: watched while something is sent; else seldom   -> Doubted without an answer, Sizing when large ones are lost
/// Doubted  probed every second while the peer is active           -> Sizing
/// </code>
/// </summary>
internal sealed partial class PeerPaths
{
    /// <summary>Paths kept at most.</summary>
    public const int MaxPaths = 48;

    /// <summary>Bytes of a probe that only asks whether somebody is there.</summary>
    public const int SmallSize = 16;

    private readonly long _frequency;
    private readonly int _full;
    private readonly bool _stock;
    private PathSelector _selector;
    private volatile PeerPath[] _paths = [];
    private volatile PathRoute _route = PathRoute.None;
    private PeerPath? _current;
    private long _movedAt = PeerPath.Never;

    /// <summary>No path yet.</summary>
    /// <param name="frequency">Ticks a second of the timestamps.</param>
    /// <param name="fullSize">The largest inner packet in bytes.</param>
    /// <param name="order">Transports that may be used, the preferred first.</param>
    /// <param name="stock">True for a plain WireGuard peer.</param>
    public PeerPaths(long frequency, int fullSize, IReadOnlyList<PathTransport> order, bool stock)
    {
        (_frequency, _full, _stock) = (frequency, fullSize, stock);
        _selector = new PathSelector(order, frequency);
    }

    /// <summary>Where datagrams go. Any thread.</summary>
    public PathRoute Route => _route;

    /// <summary>The paths as they are now. Any thread; their values change.</summary>
    public IReadOnlyList<PeerPath> All => _paths;

    /// <summary>The path in use; null when nothing is known.</summary>
    public PeerPath? Current => _current;

    /// <summary>When <see cref="Run"/> is to be called next; <see cref="long.MaxValue"/> for not before something happens.</summary>
    public long NextDeadline { get; private set; } = long.MaxValue;

    /// <summary>Number of changes of the path in use, since the start.</summary>
    public long Changes { get; private set; }

    /// <summary>Replaces what the map and the carriers offer. Paths over which the peer is heard stay for a while.</summary>
    /// <param name="offered">All that is offered.</param>
    /// <param name="order">Transports that may be used, the preferred first.</param>
    /// <param name="now">Timestamp.</param>
    public void Offer(ReadOnlySpan<PathAddress> offered, IReadOnlyList<PathTransport> order, long now)
    {
        if (!_selector.Order.SequenceEqual(order))
        {
            _selector = new PathSelector(order, _frequency);
        }

        foreach (PeerPath path in _paths)
        {
            path.IsOffered = offered.Contains(path.Address);
        }

        foreach (ref readonly PathAddress address in offered)
        {
            if (Add(address, now) is { IsOffered: false } added)
            {
                added.IsOffered = true;
                if (_current is not null && added.IsOpen)
                {
                    added.NextProbeAt = now;
                }
            }
        }

        Reselect(now);
        Wake(now);
    }

    /// <summary>True when datagrams may go over it.</summary>
    public bool Allows(PathTransport transport) => _selector.Allows(transport);

    /// <summary>True while a proven path over UDP is in use, or one that is preferred to UDP.</summary>
    public bool IsDirect => _current is { State: PathState.Proven } current && Place(current) <= _selector.PlaceOf(PathTransport.Udp);

    /// <summary>True while there is traffic for which better paths are looked for.</summary>
    /// <param name="now">Timestamp.</param>
    /// <param name="dataAt">When data went either way last.</param>
    public bool IsLively(long now, long dataAt) => now - dataAt < Ticks(PathTiming.ActiveSpan);

    /// <summary>Forgets the paths over a socket beside the tunnel's port, which is being closed.</summary>
    public void Remove(ushort socket, long now)
    {
        if (socket == 0 || !Array.Exists(_paths, p => p.Address.Socket == socket))
        {
            return;
        }

        _paths = [.. _paths.Where(p => p.Address.Socket != socket)];
        if (_current is { } current && current.Address.Socket == socket)
        {
            _current = null;
            EndQuestion();
        }

        Reselect(now);
        Wake(now);
    }

    /// <summary>Addresses that the peer itself has just named over the coordinator, where it is sending now: all are probed at once.</summary>
    public void Meet(ReadOnlySpan<PathAddress> addresses, long now)
    {
        foreach (ref readonly PathAddress address in addresses)
        {
            Add(address, now);
        }

        Want(now);
        Burst(now);
    }

    /// <summary>A carrier has opened or lost its way to the peer.</summary>
    public void NoteOpen(in PathAddress address, bool open, long now)
    {
        if (Find(address) is not { } path)
        {
            if (!open || Add(address, now) is not { } added)
            {
                return;
            }

            path = added;
        }

        if (path.IsOpen == open)
        {
            return;
        }

        path.Reset();
        path.IsOpen = open;
        if (ReferenceEquals(path, _current))
        {
            EndQuestion();
        }

        if (open)
        {
            path.NextProbeAt = now;
        }

        Reselect(now);
        Wake(now);
    }

    /// <summary>A handshake was completed over a path: both ways of it are proved for small datagrams. With a session, probing begins.</summary>
    public void NoteSession(in PathAddress source, long now)
    {
        if (Find(source) is not { } path)
        {
            if (Add(source, now) is not { } added)
            {
                return;
            }

            path = added;
        }

        path.HeardAt = now;
        path.IsShown = true;
        bool works = _current is { State: PathState.Proven } current && now - current.HeardAt < Ticks(PathTiming.Patience) * 10;
        if (_stock || (!works && _selector.Allows(source.Transport)))
        {
            DoubtStale(now, now - Ticks(PathTiming.Fresh));
            Move(path, now);
        }

        if (!_stock)
        {
            Want(now);
            Burst(now);
        }
    }

    /// <summary>A fresh authenticated datagram came in. Cheap when it came over the path in use.</summary>
    public void NoteHeard(in PathAddress source, long now)
    {
        if (_current is { } current && current.Address == source)
        {
            current.HeardAt = now;
            NoteAnswered();
            return;
        }

        NoteHeardElsewhere(source, now);
    }

    /// <summary>An echo came back; it counts only over the path that its probe took, at the size it had.</summary>
    /// <returns>False when it answers nothing.</returns>
    public bool NoteEcho(ulong challenge, int size, in PathAddress source, long now)
    {
        if (Find(source) is not { } path || !path.TryTakeEcho(challenge, size, now))
        {
            return false;
        }

        path.Mtu = Math.Max(path.Mtu, size);
        if (size >= _full)
        {
            Prove(path, _full, now);
        }
        else if (path.State is PathState.Untried or PathState.Doubted)
        {
            // What carries small probes may still lose large packets.
            (path.State, path.Step, path.Mtu, path.NextProbeAt) = (PathState.Sizing, 0, 0, now);
        }
        else if (path.State == PathState.Proven)
        {
            path.ProvenAt = now;
        }

        if (ReferenceEquals(path, _current))
        {
            NoteAnswer(path, size, now);
        }

        Reselect(now);
        Wake(now);
        return true;
    }

    /// <summary>
    /// The network of this machine changed: every UDP path is asked or tried again at once. The one in use goes on until it fails, with the best other beside it. A peer that has been silent
    /// is left alone until something is sent to it.
    /// </summary>
    /// <param name="now">Timestamp.</param>
    /// <param name="dataAt">When data went either way last.</param>
    public void DoubtAll(long now, long dataAt)
    {
        foreach (PeerPath path in _paths)
        {
            if (path.Address.Transport == PathTransport.Udp && path.State != PathState.Untried && !ReferenceEquals(path, _current))
            {
                (path.State, path.Step) = (PathState.Doubted, 0);
            }
        }

        if (!IsActive(now, dataAt))
        {
            _askWhenResumed = true;
        }
        else if (_current is { State: PathState.Proven, Address.Transport: PathTransport.Udp })
        {
            AskCurrent(now, others: true);
            _alsoSecond = true;
        }

        Burst(now);
        _meetAt = PeerPath.Never;
        Reselect(now);
    }

    private void NoteHeardElsewhere(in PathAddress source, long now)
    {
        if (Find(source) is not { } path)
        {
            if (Add(source, now) is not { } added)
            {
                return;
            }

            path = added;
        }

        bool news = now - path.HeardAt > Ticks(PathTiming.Patience);
        path.HeardAt = now;
        if (_stock || _current is null)
        {
            Move(path, now);
        }
        else if (news)
        {
            // The peer has chosen another path than we have: ours may be dead, and its may be better.
            if (path.State is PathState.Untried or PathState.Doubted)
            {
                (path.Step, path.NextProbeAt) = (0, now);
            }

            AskCurrent(now, others: true);
            if (now - _current.HeardAt >= SilenceOf(_current))
            {
                _alsoSecond = true;
                Publish();
            }

            Wake(now);
        }
    }

    private PeerPath? Add(in PathAddress address, long now)
    {
        if (address.IsNone)
        {
            return null;
        }

        if (Find(address) is { } known)
        {
            known.OfferedAt = now;
            return known;
        }

        PeerPath[] kept = [.. _paths.Where(p => p.IsOffered || ReferenceEquals(p, _current) || now - Math.Max(p.HeardAt, p.OfferedAt) < Ticks(PathTiming.Forget))];
        if (kept.Length >= MaxPaths)
        {
            // Whoever sends from ever new addresses pushes out what it taught before, never what is offered.
            PeerPath? oldest = kept.Where(p => !p.IsOffered && !ReferenceEquals(p, _current)).MinBy(p => Math.Max(p.HeardAt, p.OfferedAt));
            if (oldest is null)
            {
                return null;
            }

            kept = [.. kept.Where(p => p != oldest)];
        }

        PeerPath added = new(address) { OfferedAt = now };
        _paths = [.. kept, added];
        return added;
    }

    private PeerPath? Find(in PathAddress address)
    {
        foreach (PeerPath path in _paths)
        {
            if (path.Address == address)
            {
                return path;
            }
        }

        return null;
    }

    private void Prove(PeerPath path, int mtu, long now)
    {
        bool before = path.State == PathState.Proven;
        (path.State, path.Mtu, path.ProvenAt) = (PathState.Proven, mtu, now);
        if (!before)
        {
            (path.Step, path.NextProbeAt) = (0, now + Ticks(PathTiming.Spare));
        }
    }

    // Proven once, but not heard since: no better than what was never tried.
    private void DoubtStale(long now, long since)
    {
        foreach (PeerPath path in _paths)
        {
            if (path.State == PathState.Proven && path.Address.Transport == PathTransport.Udp && path.HeardAt < since)
            {
                (path.State, path.Step, path.NextProbeAt) = (PathState.Doubted, 0, now);
            }
        }
    }

    private void Reselect(long now)
    {
        if (!_stock && _selector.Choose(_paths, _current, now - _movedAt >= Ticks(PathTiming.Settled)) is { } best && !ReferenceEquals(best, _current))
        {
            Move(best, now);
        }

        Publish();
    }

    private void Move(PeerPath path, long now)
    {
        if (!ReferenceEquals(path, _current))
        {
            Changes += _current is null ? 0 : 1;
            (_current, _movedAt) = (path, now);
            // What waits was sent over another path.
            NoteAnswered();
            EndQuestion();
        }

        Publish();
    }

    private void Publish()
    {
        PathAddress first = _current?.Address ?? default, second = _alsoSecond && _current is { } current ? _selector.Alternative(_paths, current, _askedAt)?.Address ?? default : default;
        int mtu = _current is { Mtu: > 0, State: PathState.Proven, Address.Transport: PathTransport.Udp } path && path.Mtu < _full ? path.Mtu : int.MaxValue;
        if (_route.First != first || _route.Second != second || _route.Mtu != mtu)
        {
            _route = new PathRoute(first, second, mtu);
        }
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * _frequency);

    private void Wake(long now) => NextDeadline = Math.Min(NextDeadline, now);
}
