using TunnelMesh.Platform.Lanes;

namespace TunnelMesh.Node.DataPlane;

/// <summary>
/// Keeps a busy lane's thread on its processor. A thread that sleeps for microseconds between batches is placed anew at each wake-up, often behind the very thread that woke it, while
/// another processor runs empty; and since it has just run, none that is empty takes it over. One that stays has its data in the cache, and the scheduler moves the others.
/// The scheduler decides where: a thread that has to wait much where it stays roams again, for the longer the more often that happens, and every now and then it roams in any case.
/// The lane's thread alone, except where told; nothing here allocates after construction.
/// </summary>
/// <param name="schedule">Of the lane's thread; stays the caller's.</param>
/// <param name="frequency">Timestamps a second.</param>
internal sealed class LaneAffinity(ThreadScheduling schedule, long frequency)
{
    // Of the time between two looks. A thread that runs less is not worth tying, and one that is tied is let go only when it asks for clearly less.
    private const double Busy = 0.3, Idle = 0.2;

    // Of the time that it wanted to run. Tied to the same processor as an equal it waits for half of it, beside such as sleep often for an eighth to a quarter.
    private const double Crowded = 0.4;

    private const int MaxFailures = 7;

    private readonly long _period = frequency / 10, _longest = frequency * 10;
    private long _lookedAt, _next, _tiedAt, _freedAt, _freeAgainAt, _notBefore;
    private TimeSpan _ran, _waited;
    private int _failures;
    private volatile int _processor = None;
    private volatile bool _givenUp;

    /// <summary>That the thread may run anywhere.</summary>
    public const int None = -1;

    /// <summary>The processor that the thread stays on, or <see cref="None"/>. Any thread.</summary>
    public int Processor => _processor;

    /// <summary>Whether the thread may still choose. Any thread.</summary>
    public bool MayStay => !_givenUp;

    /// <summary>When to look again, so that a thread that has nothing to do any more is not left tied; <see cref="long.MaxValue"/> when there is no hurry.</summary>
    public long Deadline => _processor != None ? _next : _freeAgainAt != 0 && !_givenUp ? Math.Max(_freeAgainAt, _next) : long.MaxValue;

    /// <summary>Looks how the thread fares, if it is time.</summary>
    /// <param name="now">Timestamp.</param>
    public void Notice(long now)
    {
        if (now < _next || _givenUp)
        {
            return;
        }

        bool known = schedule.TryGetTimes(out TimeSpan ran, out TimeSpan waited);
        if (known && _lookedAt != 0)
        {
            Decide(now, (now - _lookedAt) / (double)frequency, (ran - _ran).TotalSeconds, (waited - _waited).TotalSeconds);
        }
        else if (!known)
        {
            Free(now);
            _givenUp = true;
        }

        if (_freeAgainAt != 0 && now >= _freeAgainAt)
        {
            FreeHeirs(now);
        }

        (_lookedAt, _ran, _waited, _next) = (now, ran, waited, now + _period);
    }

    private void Decide(long now, double passed, double ran, double waited)
    {
        if (_processor == None)
        {
            if (ran >= Busy * passed && now >= _notBefore)
            {
                Tie(now);
            }
        }
        else if (ran + waited < Idle * passed)
        {
            Free(now);
            _failures = 0;
        }
        else if (waited > Crowded * (ran + waited))
        {
            Free(now);
            _notBefore = now + Math.Min(_longest, _period << _failures);
            _failures = Math.Min(_failures + 1, MaxFailures);
        }
        else if (now - _tiedAt >= _longest)
        {
            Free(now);
            (_notBefore, _failures) = (now, 0);
        }
        else if (now - _freedAt >= frequency)
        {
            FreeHeirs(now);
        }
    }

    private void Tie(long now)
    {
        if (_freeAgainAt != 0)
        {
            FreeHeirs(now);
        }

        if (schedule.Stay() is { } processor)
        {
            (_processor, _tiedAt, _freedAt) = (processor, now, now);
        }
        else
        {
            _givenUp = true;
        }
    }

    private void Free(long now)
    {
        if (_processor != None)
        {
            _processor = None;
            _givenUp = !schedule.Roam();
            FreeHeirs(now);
            // For what an heir was about to begin.
            _freeAgainAt = now + frequency;
        }
    }

    private void FreeHeirs(long now)
    {
        (_freedAt, _freeAgainAt) = (now, 0);
        schedule.FreeHeirs();
    }
}
