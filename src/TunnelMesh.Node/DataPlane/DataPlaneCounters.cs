namespace TunnelMesh.Node.DataPlane;

/// <summary>How many packets were dropped, by reason. Thread-safe, and without locks on the packet path.</summary>
public sealed class DataPlaneCounters
{
    private readonly long[] _drops = new long[Enum.GetValues<DropReason>().Length];

    /// <summary>Packets dropped for a reason since start.</summary>
    /// <param name="reason">The reason.</param>
    public long this[DropReason reason] => Interlocked.Read(ref _drops[(int)reason]);

    /// <summary>Counts drops.</summary>
    /// <param name="reason">The reason.</param>
    /// <param name="count">How many.</param>
    internal void Drop(DropReason reason, int count = 1) => Interlocked.Add(ref _drops[(int)reason], count);
}
