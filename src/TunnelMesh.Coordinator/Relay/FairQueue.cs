using TunnelMesh.Protocol.Relay;

namespace TunnelMesh.Coordinator.Relay;

/// <summary>
/// What waits for one destination: a queue for each source, served in turns of equal bytes, so that a source that floods waits behind itself. When there is
/// too much, the source that has most loses its oldest. Not thread-safe.
/// </summary>
internal sealed class FairQueue
{
    /// <summary>Bytes of one turn: any message fits into one.</summary>
    internal const int TurnBytes = RelayFrame.MaxBytes;

    private const int KeptSpares = 8;
    private readonly Dictionary<UInt128, Source> _sources = [];
    private readonly Queue<Source> _turns = new();
    private readonly Stack<Source> _spare = new();
    private Source? _now;

    /// <summary>Memory borrowed, in bytes.</summary>
    internal long Bytes { get; private set; }

    /// <summary>True when nothing waits.</summary>
    internal bool IsEmpty => Bytes == 0;

    /// <summary>Takes a message in.</summary>
    /// <param name="source">From whom; the message names it.</param>
    /// <param name="message">Sound; the queue's when it was kept.</param>
    /// <param name="limit">Most bytes that may wait afterwards.</param>
    /// <param name="kept">False when the content was copied and the array is still the caller's.</param>
    /// <returns>Datagrams dropped for it.</returns>
    internal int Add(UInt128 source, in RelayBuffer message, long limit, out bool kept)
    {
        if (!_sources.TryGetValue(source, out Source? mine))
        {
            mine = _spare.TryPop(out Source? spare) ? spare : new Source();
            mine.Id = source;
            mine.Credit = TurnBytes;
            _sources.Add(source, mine);
            _turns.Enqueue(mine);
        }
        long before = mine.Waiting.Bytes;
        kept = mine.Waiting.Add(message);
        Bytes += mine.Waiting.Bytes - before;
        int dropped = 0;
        while (Bytes > limit)
        {
            dropped += DropOldest();
        }
        return dropped;
    }

    /// <summary>Takes the next message out; it is the caller's then.</summary>
    internal bool TryTake(out RelayBuffer message)
    {
        while (_now is not null || _turns.TryDequeue(out _now))
        {
            Source turn = _now;
            if (!turn.Waiting.TryTake(out message))
            {
                // All of it was dropped, or it has had its turn.
                Forget(turn);
                continue;
            }
            Bytes -= message.Array.Length;
            turn.Credit -= message.Length;
            if (turn.Waiting.Count == 0)
            {
                Forget(turn);
            }
            else if (turn.Credit <= 0)
            {
                turn.Credit += TurnBytes;
                _turns.Enqueue(turn);
                _now = null;
            }
            return true;
        }
        message = default;
        return false;
    }

    /// <summary>Gives everything back.</summary>
    /// <returns>Datagrams dropped.</returns>
    internal int Clear()
    {
        int dropped = 0;
        while (TryTake(out RelayBuffer message))
        {
            dropped += message.Datagrams;
            message.Return();
        }
        return dropped;
    }

    private int DropOldest()
    {
        Source? most = null;
        foreach (Source source in _sources.Values)
        {
            if (most is null || source.Waiting.Bytes > most.Waiting.Bytes)
            {
                most = source;
            }
        }
        most!.Waiting.TryTake(out RelayBuffer message);
        Bytes -= message.Array.Length;
        int dropped = message.Datagrams;
        message.Return();
        return dropped;
    }

    private void Forget(Source source)
    {
        _now = null;
        _sources.Remove(source.Id);
        if (_spare.Count < KeptSpares)
        {
            _spare.Push(source);
        }
    }

    private sealed class Source
    {
        internal UInt128 Id { get; set; }

        /// <summary>Bytes left of its turn.</summary>
        internal long Credit { get; set; }

        internal RelayQueue Waiting { get; } = new();
    }
}
