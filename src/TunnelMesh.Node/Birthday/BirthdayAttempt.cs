using TunnelMesh.Node.Paths;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Node.Birthday;

/// <summary>
/// The side behind the hard NAT: opens sockets, a few at a time, has each send to the other side's endpoint, so that the NAT gives each a port at which the other side is let in, and calls the other
/// side to look for them. Pure but for <see cref="IBirthdayEdge"/>.
/// </summary>
internal sealed class BirthdayAttempt
{
    private readonly long _began, _frequency;
    private readonly List<ushort> _sockets = new(BirthdayTiming.Sockets);
    private int _round, _at;
    private bool _isComplete;
    private long _stepAt, _callAt = long.MaxValue;

    /// <summary>Begins.</summary>
    /// <param name="target">The other side's endpoint outside its NAT.</param>
    /// <param name="now">Timestamp.</param>
    /// <param name="frequency">Ticks a second of the timestamps.</param>
    public BirthdayAttempt(in UdpEndpoint target, long now, long frequency) => (Target, _began, _stepAt, _frequency) = (target, now, now, frequency);

    /// <summary>The other side's endpoint outside its NAT.</summary>
    public UdpEndpoint Target { get; }

    /// <summary>The open sockets.</summary>
    public List<ushort> Sockets => _sockets;

    /// <summary>True once nothing more is to be hoped for.</summary>
    public bool IsOver(long now) => now - _began >= Ticks(BirthdayTiming.Limit) || (_isComplete && _sockets.Count < BirthdayTiming.FewestSockets);

    /// <summary>Does what is due.</summary>
    /// <returns>When there is more to do.</returns>
    public long Run(long now, IBirthdayEdge edge)
    {
        if (now >= _stepAt)
        {
            Step(now, edge);
        }

        if (now >= _callAt)
        {
            edge.Call();
            _callAt = now + Ticks(BirthdayTiming.Call);
        }

        return Math.Min(_began + Ticks(BirthdayTiming.Limit), Math.Min(_stepAt, _callAt));
    }

    private void Step(long now, IBirthdayEdge edge)
    {
        for (int i = 0; i < BirthdayTiming.SocketsAStep; i++, _at++)
        {
            if (!_isComplete && _at == _sockets.Count)
            {
                if (_at < BirthdayTiming.Sockets && edge.Open() is > 0 and var opened)
                {
                    _sockets.Add(opened);
                }
                else
                {
                    _isComplete = true;
                    _callAt = _sockets.Count < BirthdayTiming.FewestSockets ? long.MaxValue : now;
                }
            }

            if (_at == _sockets.Count)
            {
                // This round is over.
                (_round, _at) = (_round + 1, 0);
                _stepAt = _round < BirthdayTiming.Rounds.Length ? Math.Max(now, _began + Ticks(BirthdayTiming.Rounds[_round])) : long.MaxValue;
                return;
            }

            edge.Probe(PathAddress.Udp(Target, _sockets[_at]));
        }

        _stepAt = now + Ticks(BirthdayTiming.Step);
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * _frequency);
}
