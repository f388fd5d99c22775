using TunnelMesh.Node.Paths;

namespace TunnelMesh.Node.Sessions;

/// <summary>
/// Repeats a handshake initiation byte for byte every 250 ms for 5 s at the targets that have not answered, so that one lost
/// datagram costs no WireGuard retry. A responder that had consumed it answers with the response it gave before. Not thread-safe.
/// </summary>
internal sealed class InitiationRepeater(TimeProvider time)
{
    /// <summary>Time between repeats.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    /// <summary>How long one initiation is repeated; then WireGuard's own retry makes a new one.</summary>
    public static readonly TimeSpan Span = TimeSpan.FromSeconds(5);

    private readonly List<(PathAddress Address, bool Shown)> _targets = [];
    private readonly List<PathAddress> _answered = [];
    private byte[] _bytes = [];
    private long _startedAt;

    /// <summary>Timestamp of the next repeat; <see cref="long.MaxValue"/> when nothing is repeated.</summary>
    public long NextDeadline { get; private set; } = long.MaxValue;

    /// <summary>The bytes to send.</summary>
    public ReadOnlySpan<byte> Initiation => _bytes;

    /// <summary>Where they go, and whether the address is known to be the peer's.</summary>
    public IReadOnlyList<(PathAddress Address, bool Shown)> Targets => _targets;

    /// <summary>Begins with a new initiation; the owner sends it to all <see cref="Targets"/> now.</summary>
    /// <param name="initiation">The bytes; copied.</param>
    /// <param name="first">Where it goes in any case; the empty address is none.</param>
    public void Begin(ReadOnlySpan<byte> initiation, in PathAddress first)
    {
        _bytes = initiation.ToArray();
        _targets.Clear();
        _answered.Clear();
        _startedAt = time.GetTimestamp();
        AddTarget(first, shown: true);
        NextDeadline = _startedAt + Ticks(Interval);
    }

    /// <summary>Forgets the targets: others follow.</summary>
    public void ClearTargets() => _targets.Clear();

    /// <summary>Adds a target that is not there yet and has not answered; the empty address is none.</summary>
    public void AddTarget(in PathAddress target, bool shown)
    {
        if (!target.IsNone && !_answered.Contains(target) && !_targets.Contains((target, shown)))
        {
            _targets.Add((target, shown));
        }
    }

    /// <summary>True when a repeat is due: the owner sends to all <see cref="Targets"/>. Late calls make one repeat, not several.</summary>
    public bool TakeDue(long now)
    {
        if (now < NextDeadline)
        {
            return false;
        }

        if (now - _startedAt > Ticks(Span))
        {
            Stop();
            return false;
        }

        NextDeadline = now + Ticks(Interval);
        return true;
    }

    /// <summary>One target answered, for example with a cookie: it gets no more repeats.</summary>
    public void NoteAnswer(in PathAddress from)
    {
        PathAddress answered = from;
        _targets.RemoveAll(t => t.Address == answered);
        _answered.Add(answered);
        if (_targets.Count == 0)
        {
            Stop();
        }
    }

    /// <summary>The session stands, or the attempt is over.</summary>
    public void Stop()
    {
        NextDeadline = long.MaxValue;
        _targets.Clear();
        _bytes = [];
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);
}
