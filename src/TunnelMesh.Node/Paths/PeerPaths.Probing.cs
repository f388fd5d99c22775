namespace TunnelMesh.Node.Paths;

/// <content>When paths are probed: what is in use is watched, what is better is tried.</content>
internal sealed partial class PeerPaths
{
    private long _meetAt = long.MaxValue, _meetWait, _lostAt = long.MaxValue;
    private long _askedAt = long.MaxValue, _repeatAt, _checkedAt = PeerPath.Never, _largeAt = long.MaxValue;
    private long _wantedUntil = PeerPath.Never, _grownAt = PeerPath.Never;
    private int _largeLost;
    private bool _alsoSecond, _othersAsked, _lively, _askWhenResumed;

    // Written by whoever sends, and by the owner when something is heard.
    private long _unansweredAt = long.MaxValue;

    /// <summary>Data was sent. Any thread; cheap while what was sent before waits for its answer.</summary>
    /// <param name="now">Timestamp.</param>
    public void NoteSent(long now)
    {
        if (Volatile.Read(ref _unansweredAt) == long.MaxValue)
        {
            Volatile.Write(ref _unansweredAt, now);
        }
    }

    /// <summary>Probes what is due, leaves what does not answer and takes what is better.</summary>
    /// <param name="now">Timestamp.</param>
    /// <param name="sentAt">When data was sent last; <see cref="PeerPath.Never"/> for never.</param>
    /// <param name="dataAt">When data went either way last.</param>
    /// <param name="prober">Sends the probes.</param>
    public PathActions Run(long now, long sentAt, long dataAt, IPathProber prober)
    {
        if (_stock)
        {
            NextDeadline = long.MaxValue;
            return PathActions.None;
        }

        bool lively = IsLively(now, dataAt), active = IsActive(now, dataAt);
        _lively = now - dataAt < Ticks(PathTiming.Spare);
        if (!lively)
        {
            _meetAt = long.MaxValue;
        }

        PathActions actions = Watch(now, sentAt, prober) | (lively ? Improve(now) : PathActions.None);
        foreach (PeerPath path in _paths)
        {
            if (now >= path.NextProbeAt)
            {
                Probe(path, now, active, prober);
            }
        }

        Reselect(now);
        NextDeadline = _meetAt;
        if (_current is { } current && (_askedAt != long.MaxValue || _alsoSecond || now - sentAt < Ticks(PathTiming.BusySpan)))
        {
            long since = _askedAt != long.MaxValue ? _askedAt : UnansweredSince(current), look = now + Ticks(PathTiming.Look);
            long due = since != long.MaxValue ? since + SilenceOf(current) : look;
            NextDeadline = Math.Min(NextDeadline, due > now ? Math.Min(due, look) : look);
        }

        foreach (PeerPath path in _paths)
        {
            NextDeadline = Math.Min(NextDeadline, path.NextProbeAt);
        }

        return actions;
    }

    /// <summary>Something is sent after a pause: the path is looked at again soon.</summary>
    public void NoteResumed(long now)
    {
        if (_stock || _current is not { } current)
        {
            return;
        }

        if (now - current.HeardAt > Ticks(PathTiming.Fresh) || _askWhenResumed)
        {
            // Its mapping in a NAT may be gone: until it has answered, what there is besides gets the same.
            AskCurrent(now, others: true);
            _alsoSecond = _askedAt != long.MaxValue;
            Publish();
            if (_askWhenResumed)
            {
                _askWhenResumed = false;
                Burst(now);
            }
        }

        foreach (PeerPath path in _paths)
        {
            if (path.State == PathState.Proven && path.NextProbeAt == long.MaxValue)
            {
                path.NextProbeAt = now;
            }
        }

        NextDeadline = now;
    }

    private PathActions Watch(long now, long sentAt, IPathProber prober)
    {
        bool busy = now - sentAt < Ticks(PathTiming.BusySpan);
        if (_current is not { IsOpen: true } current)
        {
            return Despair(now, tries: false);
        }

        long roundTrip = Math.Max(0, current.RoundTrip);
        if (_askedAt == long.MaxValue && busy && current.State == PathState.Proven && UnansweredSince(current) is < long.MaxValue and var since && now - since >= SilenceOf(current))
        {
            // The last packet of whatever was said comes here too, though it may need no answer: of a device that only answers, each one. WireGuard would learn of a dead path by it after 15 s,
            // from a keepalive that the other side owes after 10 s and that does not come; here traffic is to move within half a second, and nobody but the programs knows what is an answer. So it is
            // asked once, over this path alone: 76 bytes and their echo, and none after that. The others, which the relay has to carry, are asked at once only while more is sent.
            AskCurrent(now, others: sentAt - since >= SilenceOf(current) / 2);
        }

        if (_askedAt != long.MaxValue)
        {
            Question(current, now, roundTrip, prober);
        }
        else if (busy && current.State == PathState.Proven && now - _checkedAt >= Ticks(PathTiming.Check))
        {
            Check(current, now, roundTrip, prober);
        }

        return Despair(now, now - sentAt < Ticks(PathTiming.Trying));
    }

    // Nobody answers anywhere while something is sent: a peer that was restarted has lost the keys.
    private PathActions Despair(long now, bool tries)
    {
        if (!tries)
        {
            _lostAt = long.MaxValue;
            _alsoSecond &= _askedAt != long.MaxValue;
        }
        else if (_current is not { State: PathState.Doubted })
        {
            _lostAt = long.MaxValue;
        }
        else if (_lostAt == long.MaxValue)
        {
            _lostAt = now + Ticks(PathTiming.Lost);
        }
        else if (now >= _lostAt)
        {
            _lostAt = now + Ticks(PathTiming.LostAgain);
            return PathActions.Handshake;
        }

        return PathActions.None;
    }

    /// <summary>True while there is traffic here, or the peer has asked for a better path a moment ago because there is some on its side.</summary>
    /// <param name="now">Timestamp.</param>
    /// <param name="dataAt">When data went either way last.</param>
    public bool IsActive(long now, long dataAt) => IsLively(now, dataAt) || now < _wantedUntil;

    private void Want(long now) => _wantedUntil = now + Ticks(PathTiming.Wanted);

    private void AskCurrent(long now, bool others)
    {
        if (_current is not { State: PathState.Proven })
        {
            return;
        }

        if (_askedAt == long.MaxValue)
        {
            (_askedAt, _repeatAt, _othersAsked) = (now, now, false);
        }

        if (others)
        {
            AskOthers(now);
        }
    }

    // What the others are worth is found out as well: they may have failed together.
    private void AskOthers(long now)
    {
        if (_othersAsked)
        {
            return;
        }

        _othersAsked = true;
        foreach (PeerPath path in _paths)
        {
            if (path.State == PathState.Proven && !ReferenceEquals(path, _current))
            {
                path.NextProbeAt = now;
            }
        }
    }

    private void EndQuestion() => (_askedAt, _alsoSecond, _largeAt, _largeLost, _checkedAt, _lostAt) = (long.MaxValue, false, long.MaxValue, 0, PeerPath.Never, long.MaxValue);

    /// <summary>Asks the path in use until it answers or is left.</summary>
    private void Question(PeerPath current, long now, long roundTrip, IPathProber prober)
    {
        // What was on its way when the path broke is no sign of life.
        bool heard = current.HeardAt > _askedAt + SilenceOf(current);
        TimeSpan patience = heard ? PathTiming.OneWayPatience : PathTiming.Patience;
        if (now - _askedAt >= Math.Max(Ticks(patience), (heard ? 5 : 3) * roundTrip))
        {
            DoubtStale(now, _askedAt);
            EndQuestion();
            Doubt(current, now);
            return;
        }

        if (now - _askedAt >= SilenceOf(current))
        {
            AskOthers(now);
            _alsoSecond |= !heard;
        }

        if (now >= _repeatAt)
        {
            Send(current, SmallSize, now, prober);
            _repeatAt = now + Math.Max(Ticks(PathTiming.Silence), roundTrip);
        }
    }

    private void Check(PeerPath current, long now, long roundTrip, IPathProber prober)
    {
        // A path may shrink under traffic, and large packets vanish without a word (RFC 4821, section 1.1).
        if (_largeAt != long.MaxValue && ++_largeLost >= 2)
        {
            EndQuestion();
            (current.State, current.Step, current.Mtu, current.NextProbeAt, _alsoSecond, _checkedAt) = (PathState.Sizing, 1, 0, now, true, now);
            return;
        }

        Send(current, SmallSize, now, prober);
        Send(current, current.Mtu, now, prober);
        if (current.Mtu < _full && current.Address.Transport == PathTransport.Udp && now - _grownAt >= Ticks(PathTiming.Grow))
        {
            // A path may have been sized in a bad moment.
            Send(current, _full, now, prober);
            _grownAt = now;
        }

        (_largeAt, _checkedAt) = (now, now);
        if (_largeLost > 0)
        {
            _checkedAt = now - Ticks(PathTiming.Check) + Math.Max(Ticks(PathTiming.Patience), 3 * roundTrip);
        }
    }

    private void NoteAnswer(PeerPath current, int size, long now)
    {
        (_askedAt, _lostAt) = (long.MaxValue, long.MaxValue);
        _alsoSecond = _alsoSecond && current.State != PathState.Proven;
        if (size >= current.Mtu && current.State == PathState.Proven)
        {
            (_largeAt, _largeLost, _checkedAt) = (long.MaxValue, 0, now);
        }
    }

    private void Doubt(PeerPath path, long now)
    {
        (path.State, path.Step, path.NextProbeAt) = (PathState.Doubted, 0, now);
        _meetAt = now;
        Reselect(now);
        if (ReferenceEquals(path, _current))
        {
            // Nothing else is known to work: everything is tried.
            Burst(now);
        }
    }

    /// <summary>Tries every path that does not count yet: both sides do it at the same time, so that NATs between them open.</summary>
    private void Burst(long now)
    {
        foreach (PeerPath path in _paths)
        {
            if (path.State is PathState.Untried or PathState.Doubted && path.IsOpen && _selector.Allows(path.Address.Transport))
            {
                (path.Step, path.NextProbeAt) = (0, now);
            }
        }

        Wake(now);
    }

    private void Probe(PeerPath path, long now, bool active, IPathProber prober)
    {
        path.NextProbeAt = long.MaxValue;
        if (!path.IsOpen || !_selector.Allows(path.Address.Transport))
        {
            return;
        }

        switch (path.State)
        {
            case PathState.Untried or PathState.Doubted when active:
                Try(path, now, prober);
                break;
            case PathState.Sizing:
                Size(path, now, prober);
                break;
            case PathState.Proven when active && ReferenceEquals(path, _current):
                Send(path, SmallSize, now, prober);
                path.NextProbeAt = now + Ticks(PathTiming.KeepOpen);
                break;
            case PathState.Proven when _lively:
                Send(path, SmallSize, now, prober);
                path.NextProbeAt = now + Ticks(PathTiming.Spare);
                break;
            default:
                break;
        }
    }

    private void Try(PeerPath path, long now, IPathProber prober)
    {
        // A stream has no size of its own to find out.
        bool carrier = path.Address.Transport != PathTransport.Udp;
        Send(path, carrier ? _full : SmallSize, now, prober);
        if (path.IsShown && !carrier && path.Step < 2)
        {
            Send(path, _full, now, prober);
        }

        ReadOnlySpan<int> burst = PathTiming.BurstMilliseconds;
        if (path.Step < burst.Length)
        {
            path.NextProbeAt = now + (burst[path.Step++] * _frequency / 1000);
            return;
        }

        if (ReferenceEquals(path, _current) && path.State == PathState.Untried)
        {
            // It was taken because a handshake came through; it does not carry on.
            Doubt(path, now);
        }

        if (!path.IsOffered && now - Math.Max(path.HeardAt, path.OfferedAt) > Ticks(PathTiming.Forget))
        {
            return;
        }

        bool worked = path.ProvenAt > PeerPath.Never && now - path.ProvenAt < 5 * Ticks(PathTiming.ActiveSpan);
        bool better = _current is not { State: PathState.Proven } || Place(path) < Place(_current);
        int doublings = Math.Min(8, path.Step++ - burst.Length);
        TimeSpan wait = worked && better ? PathTiming.Healing
            : better ? TimeSpan.FromTicks(Math.Min(PathTiming.FirstRetry.Ticks << doublings, PathTiming.LastRetry.Ticks))
            : TimeSpan.FromMinutes(1);
        path.NextProbeAt = now + Ticks(wait);
    }

    private void Size(PeerPath path, long now, IPathProber prober)
    {
        long wait = Math.Max(Ticks(PathTiming.Patience) / 2, 2 * Math.Max(0, path.RoundTrip));
        switch (path.Step++)
        {
            case 0 or 1:
                Send(path, _full, now, prober);
                path.NextProbeAt = now + wait;
                break;
            case 2 or 3:
                foreach (int size in PathSizes.Below(_full))
                {
                    if (size > path.Mtu)
                    {
                        Send(path, size, now, prober);
                    }
                }

                path.NextProbeAt = now + wait;
                break;
            default:
                if (path.Mtu >= PathSizes.Least)
                {
                    Prove(path, path.Mtu, now);
                    if (ReferenceEquals(path, _current))
                    {
                        _alsoSecond = false;
                    }
                }
                else
                {
                    Doubt(path, now);
                    path.Step = PathTiming.BurstMilliseconds.Length;
                    path.NextProbeAt = now + Ticks(PathTiming.FirstRetry);
                }

                break;
        }
    }

    private PathActions Improve(long now)
    {
        bool best = _current is { State: PathState.Proven } current && Place(current) == 0;
        if (best)
        {
            (_meetAt, _meetWait) = (long.MaxValue, 0);
            return PathActions.None;
        }

        if (_meetAt == long.MaxValue)
        {
            _meetAt = now;
        }

        if (now < _meetAt)
        {
            return PathActions.None;
        }

        _meetWait = Math.Clamp(_meetWait * 2, Ticks(PathTiming.FirstMeeting), Ticks(PathTiming.LastMeeting));
        _meetAt = now + _meetWait;
        Burst(now);
        return PathActions.Meet | PathActions.OpenStream;
    }

    private int Place(PeerPath path) => _selector.PlaceOf(path.Address.Transport);

    // When the first of what was sent over the path in use after it was heard last was sent: a path that was not used before is not silent. MaxValue for none.
    private long UnansweredSince(PeerPath current)
    {
        long since = Volatile.Read(ref _unansweredAt);
        if (since == long.MaxValue || since > current.HeardAt)
        {
            return since;
        }

        // Its sender noted it after the answer had come.
        Interlocked.CompareExchange(ref _unansweredAt, long.MaxValue, since);
        return long.MaxValue;
    }

    private void NoteAnswered()
    {
        if (Volatile.Read(ref _unansweredAt) != long.MaxValue)
        {
            Volatile.Write(ref _unansweredAt, long.MaxValue);
        }
    }

    // How long a path may be silent while something is sent before that means something.
    private long SilenceOf(PeerPath path) => Math.Max(Ticks(PathTiming.Silence), 2 * path.RoundTrip);

    private static void Send(PeerPath path, int size, long now, IPathProber prober)
    {
        if (prober.Probe(path.Address, size, path.IsShown) is { } challenge)
        {
            path.NoteProbe(challenge, size, now);
        }
    }
}
