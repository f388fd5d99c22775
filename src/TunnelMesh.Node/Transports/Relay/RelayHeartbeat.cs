namespace TunnelMesh.Node.Transports.Relay;

/// <summary>
/// When a stream must be asked for a sign of life, and when it is given up. Only an answer proves that it carries both ways: what comes without being asked may
/// excuse an answer that is late behind other traffic, but not for long. Thread-safe.
/// </summary>
/// <param name="askAfter">Without a proof for this long it is asked.</param>
/// <param name="answerTime">How long the answer may take when nothing else comes either.</param>
/// <param name="time">Clock.</param>
internal sealed class RelayHeartbeat(TimeSpan askAfter, TimeSpan answerTime, TimeProvider time)
{
    /// <summary>Datagrams that went out ask for an answer of any kind within this time, before the stream is asked.</summary>
    internal static readonly TimeSpan AskUnderTraffic = TimeSpan.FromSeconds(1);

    /// <summary>How long an answer may take after the network has changed.</summary>
    internal static readonly TimeSpan DoubtTime = TimeSpan.FromSeconds(2);

    /// <summary>A stream that was asked and from which nothing has come for this long is called silent; it is given up only later.</summary>
    internal static readonly TimeSpan SilentAfter = TimeSpan.FromSeconds(1.5);

    /// <summary>How long an answer may take at most, in times of what it may take when nothing else comes.</summary>
    internal const int LateFactor = 3;

    private readonly Lock _lock = new();
    private long _proved = time.GetTimestamp(), _heard = time.GetTimestamp(), _asked;
    private ulong _number;
    private bool _waits, _sent;
    private TimeSpan _patience;

    /// <summary>Datagrams go out.</summary>
    internal void Sent() => Volatile.Write(ref _sent, true);

    /// <summary>Something has come.</summary>
    internal void Heard()
    {
        Volatile.Write(ref _heard, time.GetTimestamp());
        Volatile.Write(ref _sent, false);
    }

    /// <summary>The number to send, when the stream must be asked now; else null.</summary>
    internal ulong? Ask()
    {
        lock (_lock)
        {
            TimeSpan proved = time.GetElapsedTime(_proved);
            bool quiet = Volatile.Read(ref _sent) && time.GetElapsedTime(Volatile.Read(ref _heard)) >= AskUnderTraffic && proved >= AskUnderTraffic;
            return _waits || !(quiet || proved >= askAfter) ? null : Begin(answerTime);
        }
    }

    /// <summary>How long nothing can become due as long as no datagram goes out and nobody doubts the stream; null while an answer is waited for.</summary>
    internal TimeSpan? Rest
    {
        get
        {
            lock (_lock)
            {
                TimeSpan left = askAfter - time.GetElapsedTime(_proved);
                return _waits || Volatile.Read(ref _sent) ? null : left > TimeSpan.Zero ? left : TimeSpan.Zero;
            }
        }
    }

    /// <summary>For how long nothing has come, when the stream was asked for a sign of life and should have answered by now; null else. A stream that rests is not asked.</summary>
    internal TimeSpan? Silence
    {
        get
        {
            lock (_lock)
            {
                TimeSpan silence = time.GetElapsedTime(Volatile.Read(ref _heard));
                return _waits && time.GetElapsedTime(_asked) >= SilentAfter && silence >= SilentAfter ? silence : null;
            }
        }
    }

    /// <summary>The number to send first.</summary>
    internal ulong Start()
    {
        lock (_lock)
        {
            return Begin(answerTime);
        }
    }

    /// <summary>The number to send now, whatever was before; its answer may take little time.</summary>
    internal ulong Doubt()
    {
        lock (_lock)
        {
            return Begin(DoubtTime);
        }
    }

    /// <summary>An answer has come.</summary>
    /// <returns>The round trip, or null when it is not the answer that is waited for.</returns>
    internal TimeSpan? Prove(ulong number)
    {
        lock (_lock)
        {
            if (!_waits || number != _number)
            {
                return null;
            }
            _waits = false;
            _proved = time.GetTimestamp();
            return time.GetElapsedTime(_asked, _proved);
        }
    }

    /// <summary>True when the answer is overdue.</summary>
    internal bool IsDead
    {
        get
        {
            lock (_lock)
            {
                TimeSpan waited = time.GetElapsedTime(_asked);
                return _waits && waited >= _patience && (time.GetElapsedTime(Volatile.Read(ref _heard)) >= _patience || waited >= _patience * LateFactor);
            }
        }
    }

    private ulong Begin(TimeSpan patience)
    {
        _waits = true;
        _asked = time.GetTimestamp();
        _patience = patience;
        return ++_number;
    }
}
