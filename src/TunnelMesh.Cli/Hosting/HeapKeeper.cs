namespace TunnelMesh.Cli.Hosting;

/// <summary>
/// Has the garbage collector look at everything now and then. Connections that came and went leave little garbage of its own, which outlives the small collections, and much native memory
/// behind it that the collector does not see: by itself it looks at all of that too rarely for the process not to grow for an hour. Large heaps are left to it, since there a whole
/// collection stops everything for long.
/// </summary>
internal sealed class HeapKeeper : IDisposable
{
    /// <summary>Bytes that are allocated between two whole collections at least.</summary>
    internal const long Enough = 4 << 20;

    /// <summary>Size of a heap, in bytes, from which on nothing is done.</summary>
    internal const long TooLarge = 64 << 20;

    /// <summary>How often it is looked whether that is so.</summary>
    internal static readonly TimeSpan LookEvery = TimeSpan.FromMinutes(1);

    private readonly Func<State> _look;
    private readonly Action _collect;
    private readonly ITimer _timer;
    private State _last;

    /// <summary>Begins.</summary>
    /// <param name="time">The clock.</param>
    public HeapKeeper(TimeProvider time)
        : this(time, () => new(GC.GetTotalAllocatedBytes(precise: false), GC.GetTotalMemory(forceFullCollection: false), GC.CollectionCount(2)),
            () => GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: false))
    {
    }

    internal HeapKeeper(TimeProvider time, Func<State> look, Action collect)
    {
        (_look, _collect, _last) = (look, collect, look());
        _timer = time.CreateTimer(_ => Look(), null, LookEvery, LookEvery);
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        State now = _look();
        if (now.Collections == _last.Collections)
        {
            if (now.Allocated - _last.Allocated < Enough || now.Heap >= TooLarge)
            {
                return;
            }
            _collect();
            now = _look();
        }
        _last = now;
    }

    /// <summary>How the collector is doing.</summary>
    /// <param name="Allocated">Bytes allocated since the start.</param>
    /// <param name="Heap">Bytes of the heap.</param>
    /// <param name="Collections">Whole collections since the start.</param>
    internal readonly record struct State(long Allocated, long Heap, int Collections);
}
