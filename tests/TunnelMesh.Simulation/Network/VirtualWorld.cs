namespace TunnelMesh.Simulation.Network;

/// <summary>
/// A discrete-event simulation: one clock, one queue of events, one source of chance. Two worlds with the same seed and the
/// same calls do exactly the same. One thread. Times are counted from the world's beginning.
/// </summary>
internal sealed class VirtualWorld(int seed)
{
    private readonly PriorityQueue<Action, (long At, long Order)> _events = new();
    private long _order;

    /// <summary>The time now.</summary>
    public TimeSpan Now { get; private set; }

    /// <summary>What decides about loss, delay and everything else that is left to chance.</summary>
    public Random Chance { get; } = new(seed);

    /// <summary>Does something after a time; what is due at the same moment is done in the order it was asked for.</summary>
    public void After(TimeSpan delay, Action action) => At(Now + delay, action);

    /// <summary>Does something at a time; a past one means now.</summary>
    public void At(TimeSpan when, Action action) => _events.Enqueue(action, (Math.Max(when.Ticks, Now.Ticks), _order++));

    /// <summary>Lets time pass.</summary>
    public void Run(TimeSpan span)
    {
        TimeSpan end = Now + span;
        while (_events.TryPeek(out _, out (long At, long) next) && next.At <= end.Ticks)
        {
            Step();
        }

        Now = end;
    }

    /// <summary>Lets time pass until something is true.</summary>
    /// <param name="condition">Looked at after every event.</param>
    /// <param name="limit">How long at most.</param>
    /// <returns>How long it took.</returns>
    /// <exception cref="TimeoutException">It did not become true.</exception>
    public TimeSpan RunUntil(Func<bool> condition, TimeSpan limit)
    {
        TimeSpan begin = Now;
        while (!condition())
        {
            if (!_events.TryPeek(out _, out (long At, long) next) || next.At > (begin + limit).Ticks)
            {
                Now = begin + limit;
                throw new TimeoutException($"It did not happen within {limit} of virtual time (now {Now}).");
            }

            Step();
        }

        return Now - begin;
    }

    /// <summary>True with a probability from 0 to 1.</summary>
    public bool Happens(double probability) => probability > 0 && Chance.NextDouble() < probability;

    private void Step()
    {
        _events.TryDequeue(out Action? action, out (long At, long) due);
        Now = TimeSpan.FromTicks(due.At);
        action!();
    }
}
