namespace TunnelMesh.Node.Sessions;

/// <summary>
/// Decides when a path is probed and turns echoes into round-trip times: after a session came up, then every 25 s while data
/// flows, or on demand. One challenge is open at a time; an answer to an older one counts for nothing. Not thread-safe: its owner locks.
/// </summary>
internal sealed class RoundTripMeter
{
    /// <summary>Time between probes while data flows.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(25);

    private readonly TimeProvider _time;
    private ulong _challenge;
    private long _sentAt;
    private bool _open;
    private bool _wanted;
    private bool _everSent;

    public RoundTripMeter(TimeProvider time) => _time = time;

    /// <summary>The last round trip; null before the first.</summary>
    public TimeSpan? RoundTrip { get; private set; }

    /// <summary>Asks for a probe at the next opportunity.</summary>
    public void Request() => _wanted = true;

    /// <summary>True when a probe is due.</summary>
    /// <param name="now">Timestamp.</param>
    /// <param name="lastDataAt">Timestamp of the last data packet either way; null when there was none.</param>
    public bool IsDue(long now, long? lastDataAt)
    {
        if (_wanted)
        {
            return true;
        }

        return _everSent && lastDataAt is { } data
            && _time.GetElapsedTime(_sentAt, now) >= Interval && _time.GetElapsedTime(data, now) < Interval;
    }

    /// <summary>A probe was sent.</summary>
    public void NoteSent(ulong challenge, long now)
    {
        _challenge = challenge;
        _sentAt = now;
        _open = _everSent = true;
        _wanted = false;
    }

    /// <summary>An echo arrived; false when it answers nothing open.</summary>
    public bool NoteEcho(ulong challenge, long now)
    {
        if (!_open || challenge != _challenge)
        {
            return false;
        }

        _open = false;
        RoundTrip = _time.GetElapsedTime(_sentAt, now);
        return true;
    }
}
