using TunnelMesh.Node.Nat;
using TunnelMesh.Node.Paths;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Node.Birthday;

/// <summary>
/// Finds a direct way to one peer when one side is behind a hard NAT and the other behind an easy one: of the 64,512 ports of the hard NAT 256 are opened, and the other side tries them by chance
/// (the birthday paradox) until one is hit. From then on the paths do the rest: the probe that came in was sealed by the session, and is answered from the very socket that received it.
/// Nothing is sent beyond the addresses that the coordinator itself has seen. Pure but for <see cref="IBirthdayEdge"/>; on the thread of the peer's lane.
/// </summary>
/// <param name="frequency">Ticks a second of the timestamps.</param>
/// <param name="turns">Of this device.</param>
internal sealed class PeerBirthday(long frequency, BirthdayTurns turns)
{
    private NatWord _word = NatWord.None;
    private long _wordAt = PeerPath.Never, _missedAt = long.MaxValue;

    // The hard side. What carried, or may still be chosen by the other side, is held after the attempt.
    private readonly List<ushort> _held = [];
    private BirthdayAttempt? _attempt;
    private long _nextAt = PeerPath.Never, _graceUntil, _heldAt;
    private int _failures;
    private ushort _used;
    private bool _isVoid, _isSearching;

    // The easy side.
    private HuntPorts? _hunt;
    private uint _hunted;
    private long _calledAt = PeerPath.Never, _huntBegan, _huntAgainAt = PeerPath.Never;

    /// <summary>When <see cref="Run"/> is to be called next; <see cref="long.MaxValue"/> for not before something happens.</summary>
    public long NextDeadline { get; private set; } = long.MaxValue;

    /// <summary>What kind of NAT the peer said last that it has. Any thread, as it is now.</summary>
    public NatKind Told => Volatile.Read(ref _word).Kind;

    /// <summary>True while ports are tried by chance on either side, or are about to be for the first time. Any thread, as it is now.</summary>
    public bool IsSearching => Volatile.Read(ref _isSearching);

    /// <summary>What the peer has said of its NAT.</summary>
    public void NoteWord(NatWord word, long now)
    {
        if (word.Seen != _word.Seen)
        {
            // It is connected otherwise than before: what failed there is another matter here.
            NoteNetworkChanged(now);
        }

        (_word, _wordAt, NextDeadline) = (word, now, now);
    }

    /// <summary>The peer asks for its ports to be looked for.</summary>
    public void NoteCall(long now) => (_calledAt, NextDeadline) = (now, now);

    /// <summary>This device is connected otherwise than before.</summary>
    public void NoteNetworkChanged(long now) => (_failures, _nextAt, _huntAgainAt, _isVoid, NextDeadline) = (0, PeerPath.Never, PeerPath.Never, true, now);

    /// <summary>Does what is due. To be called at the deadline, and whenever the paths may have changed.</summary>
    public void Run(in BirthdayView view, long now, IBirthdayEdge edge)
    {
        NextDeadline = long.MaxValue;
        bool misses = view is { IsWanted: true, HasKeys: true, IsDirect: false };
        _missedAt = !misses ? long.MaxValue : Math.Min(_missedAt, now);
        if (_attempt is not null || Begins(view, now, edge))
        {
            RunAttempt(_attempt!, view, now, edge);
        }

        RunHeld(view, now, edge);
        RunHunt(view, now, edge);
        bool begins = _missedAt != long.MaxValue && view.Own == NatKind.Hard && _word.HasEndpoint && KnowsPeer(now) && _failures == 0;
        Volatile.Write(ref _isSearching, _attempt is not null || _hunt is not null || begins);
        _isVoid = false;
    }

    private bool Begins(in BirthdayView view, long now, IBirthdayEdge edge)
    {
        if (_missedAt == long.MaxValue || view.Own != NatKind.Hard || !_word.HasEndpoint || !KnowsPeer(now))
        {
            return false;
        }

        long due = Math.Max(_nextAt, _missedAt + Ticks(BirthdayTiming.PlainFirst));
        if (now < due || !turns.TryAttempt(this, now))
        {
            Wake(now < due ? due : now + Ticks(BirthdayTiming.Turn));
            return false;
        }

        (_attempt, _isVoid) = (new BirthdayAttempt(_word.Mapped, now, frequency), false);
        edge.Meet();
        return true;
    }

    private void RunAttempt(BirthdayAttempt attempt, in BirthdayView view, long now, IBirthdayEdge edge)
    {
        if (view.IsDirect)
        {
            foreach (ushort socket in attempt.Sockets)
            {
                if (socket == view.Socket || edge.HeardAt(socket) > PeerPath.Never)
                {
                    _held.Add(socket);
                }
                else
                {
                    edge.Close(socket);
                }
            }

            (_failures, _nextAt, _graceUntil, _heldAt, _used) = (0, now + Ticks(BirthdayTiming.ShortPause), now + Ticks(BirthdayTiming.Grace), now, view.Socket);
            End();
        }
        else if (attempt.IsOver(now))
        {
            TimeSpan pause = BirthdayTiming.FirstPause * Math.Pow(2, Math.Min(_failures++, 10));
            _nextAt = now + Ticks(pause < BirthdayTiming.LongestPause ? pause : BirthdayTiming.LongestPause);
            attempt.Sockets.ForEach(edge.Close);
            End();
            Wake(_nextAt);
        }
        else if (_isVoid || !view.HasKeys || view.Own != NatKind.Hard || !_word.HasEndpoint || attempt.Target != _word.Mapped)
        {
            // There is nothing to be learnt of it: what it was for is no more.
            _nextAt = now + Ticks(BirthdayTiming.PlainFirst);
            attempt.Sockets.ForEach(edge.Close);
            End();
            Wake(_nextAt);
        }
        else
        {
            Wake(attempt.Run(now, edge));
        }

        void End()
        {
            _attempt = null;
            turns.EndAttempt(this);
        }
    }

    private void RunHeld(in BirthdayView view, long now, IBirthdayEdge edge)
    {
        if (_held.Count == 0)
        {
            return;
        }

        _used = view.Socket != 0 ? view.Socket : _used;
        if (now < _graceUntil)
        {
            Wake(_graceUntil);
            return;
        }

        long heardAt = Math.Max(_heldAt, edge.HeardAt(_used));
        bool forgotten = now - heardAt >= Ticks(BirthdayTiming.Forget);
        for (int i = _held.Count - 1; i >= 0; i--)
        {
            if (forgotten || _held[i] != _used)
            {
                edge.Close(_held[i]);
                _held.RemoveAt(i);
            }
        }

        if (_held.Count > 0)
        {
            Wake(heardAt + Ticks(BirthdayTiming.Forget));
        }
    }

    private void RunHunt(in BirthdayView view, long now, IBirthdayEdge edge)
    {
        bool isCalled = now - _calledAt < Ticks(BirthdayTiming.CallLife) && view is { HasKeys: true, Own: NatKind.Easy } && _word.HidesPort && KnowsPeer(now);
        if (_hunt is null)
        {
            if (!isCalled || view.IsDirect)
            {
                return;
            }

            if (now < _huntAgainAt || !turns.TryHunt(this, now))
            {
                Wake(now < _huntAgainAt ? _huntAgainAt : now + Ticks(BirthdayTiming.Turn));
                return;
            }

            (_hunt, _hunted, _huntBegan) = (new HuntPorts(edge.Random), _word.Seen, now);
        }

        bool over = now - _huntBegan >= Ticks(BirthdayTiming.Limit);
        if (view.IsDirect || !isCalled || over || _hunted != _word.Seen)
        {
            bool moved = _hunted != _word.Seen;
            _hunt = null;
            _huntAgainAt = moved ? now : now + Ticks(view.IsDirect ? BirthdayTiming.ShortPause : BirthdayTiming.HuntPause);
            turns.EndHunt(this);
            return;
        }

        long due;
        while (turns.TryProbe(this, now, out due) && _hunt.TryTake(out ushort port))
        {
            edge.Probe(PathAddress.Udp(UdpEndpoint.FromIPv4(_hunted, port)));
        }

        Wake(Math.Max(due, now + 1));
    }

    private bool KnowsPeer(long now) => now - _wordAt < Ticks(BirthdayTiming.WordLife);

    private void Wake(long at) => NextDeadline = Math.Min(NextDeadline, at);

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * frequency);
}
