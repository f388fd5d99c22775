namespace TunnelMesh.Node.Birthday;

/// <summary>
/// How much of it one device does at the same time: one hunt, so that what it sends to ports by chance is bounded altogether, and two attempts with sockets of their own. Whoever has a turn loses it in
/// the end, should it never give it back. Shared by the lanes; any thread.
/// </summary>
/// <param name="time">Clock.</param>
internal sealed class BirthdayTurns(TimeProvider time)
{
    /// <summary>Attempts at the same time.</summary>
    public const int MaxAttempts = 2;

    private readonly Lock _lock = new();
    private readonly HuntPace _pace = new(time.TimestampFrequency);
    private readonly (object? Owner, long Until)[] _attempts = new (object?, long)[MaxAttempts];
    private (object? Owner, long Until) _hunt;

    /// <summary>Takes the turn to hunt.</summary>
    /// <returns>False while it is another's.</returns>
    public bool TryHunt(object owner, long now)
    {
        lock (_lock)
        {
            return TryTake(ref _hunt, owner, now);
        }
    }

    /// <summary>Takes the right to one probe of a hunt.</summary>
    /// <param name="owner">Who has the turn.</param>
    /// <param name="now">Timestamp.</param>
    /// <param name="due">When the next may go.</param>
    /// <returns>False when it is too soon, or not its turn.</returns>
    public bool TryProbe(object owner, long now, out long due)
    {
        lock (_lock)
        {
            bool taken = ReferenceEquals(_hunt.Owner, owner) && _pace.TryTake(now);
            due = _pace.Due;
            return taken;
        }
    }

    /// <summary>Takes one of the turns to open sockets.</summary>
    /// <returns>False when there is none.</returns>
    public bool TryAttempt(object owner, long now)
    {
        lock (_lock)
        {
            for (int i = 0; i < MaxAttempts; i++)
            {
                if (TryTake(ref _attempts[i], owner, now))
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Gives back the turn to hunt.</summary>
    public void EndHunt(object owner)
    {
        lock (_lock)
        {
            Leave(ref _hunt, owner);
        }
    }

    /// <summary>Gives back the turn to open sockets.</summary>
    public void EndAttempt(object owner)
    {
        lock (_lock)
        {
            for (int i = 0; i < MaxAttempts; i++)
            {
                Leave(ref _attempts[i], owner);
            }
        }
    }

    private bool TryTake(ref (object? Owner, long Until) turn, object owner, long now)
    {
        if (turn.Owner is not null && now < turn.Until)
        {
            return false;
        }

        turn = (owner, now + (long)((BirthdayTiming.Limit.TotalSeconds + 1) * time.TimestampFrequency));
        return true;
    }

    private static void Leave(ref (object? Owner, long Until) turn, object owner)
    {
        if (ReferenceEquals(turn.Owner, owner))
        {
            turn = default;
        }
    }
}
