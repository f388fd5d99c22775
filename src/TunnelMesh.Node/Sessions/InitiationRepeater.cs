using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Node.Sessions;

/// <summary>
/// Sends a new handshake initiation to every candidate at once and repeats the same bytes every 250 ms for 5 s, so that one lost
/// datagram costs no WireGuard retry. A repeat is no new handshake: a responder that saw the first one ignores it as a
/// replay. Not thread-safe: its owner locks.
/// </summary>
internal sealed class InitiationRepeater
{
    /// <summary>Time between repeats.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    /// <summary>How long one initiation is repeated; then WireGuard's own retry makes a new one.</summary>
    public static readonly TimeSpan Span = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _time;
    private readonly List<UdpEndpoint> _targets = [];
    private byte[] _bytes = [];
    private long _startedAt;
    private long _nextAt = long.MaxValue;

    public InitiationRepeater(TimeProvider time) => _time = time;

    /// <summary>Timestamp of the next repeat; <see cref="long.MaxValue"/> when nothing is repeated.</summary>
    public long NextDeadline => _nextAt;

    /// <summary>The bytes to send.</summary>
    public ReadOnlySpan<byte> Initiation => _bytes;

    /// <summary>Where they go.</summary>
    public IReadOnlyList<UdpEndpoint> Targets => _targets;

    /// <summary>Begins with a new initiation; the owner sends it to all <see cref="Targets"/> now.</summary>
    public void Begin(ReadOnlySpan<byte> initiation, IEnumerable<UdpEndpoint> candidates)
    {
        _bytes = initiation.ToArray();
        _targets.Clear();
        foreach (UdpEndpoint candidate in candidates)
        {
            if (!candidate.IsNone && !_targets.Contains(candidate))
            {
                _targets.Add(candidate);
            }
        }

        _startedAt = _time.GetTimestamp();
        _nextAt = _targets.Count == 0 ? long.MaxValue : _startedAt + Ticks(Interval);
    }

    /// <summary>True when a repeat is due: the owner sends to all <see cref="Targets"/>. Late calls make one repeat, not several.</summary>
    public bool TakeDue(long now)
    {
        if (now < _nextAt)
        {
            return false;
        }

        if (now - _startedAt > Ticks(Span))
        {
            Stop();
            return false;
        }

        _nextAt = now + Ticks(Interval);
        return true;
    }

    /// <summary>One candidate answered, for example with a cookie: it gets no more repeats.</summary>
    public void NoteAnswer(in UdpEndpoint from)
    {
        _targets.Remove(from);
        if (_targets.Count == 0)
        {
            Stop();
        }
    }

    /// <summary>The session stands, or the attempt is over.</summary>
    public void Stop()
    {
        _nextAt = long.MaxValue;
        _targets.Clear();
        _bytes = [];
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * _time.TimestampFrequency);
}
