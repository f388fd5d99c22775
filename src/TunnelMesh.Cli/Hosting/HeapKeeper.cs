using TunnelMesh.Platform.Processes;

namespace TunnelMesh.Cli.Hosting;

/// <summary>
/// Has the garbage collector look at everything now and then, and give back what is free. Connections that came and went leave little garbage of its own, which outlives the small collections, and
/// much native memory behind it that the collector does not see: by itself it looks at all of that too rarely for the process not to grow for an hour, and it keeps the pages of what it has
/// found for allocations that come seldom. Large heaps are left to it, since there a whole collection stops everything for long.
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
    private long _allocated;

    /// <summary>Begins.</summary>
    /// <param name="time">The clock.</param>
    public HeapKeeper(TimeProvider time)
        : this(time, () => new(GC.GetTotalAllocatedBytes(precise: false), GC.GetTotalMemory(forceFullCollection: false)), Collect)
    {
    }

    internal HeapKeeper(TimeProvider time, Func<State> look, Action collect)
    {
        (_look, _collect, _allocated) = (look, collect, look().Allocated);
        _timer = time.CreateTimer(_ => Look(), null, LookEvery, LookEvery);
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private static void Collect()
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        NativeHeap.Trim();
    }

    private void Look()
    {
        State now = _look();
        if (now.Allocated - _allocated >= Enough && now.Heap < TooLarge)
        {
            _collect();
            _allocated = now.Allocated;
        }
    }

    /// <summary>How the collector is doing.</summary>
    /// <param name="Allocated">Bytes allocated since the start.</param>
    /// <param name="Heap">Bytes of the heap.</param>
    internal readonly record struct State(long Allocated, long Heap);
}
