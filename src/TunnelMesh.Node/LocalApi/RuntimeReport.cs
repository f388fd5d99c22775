namespace TunnelMesh.Node.LocalApi;

/// <summary>The .NET runtime of the program since its start: whether memory is made and collected while packets flow.</summary>
public sealed record RuntimeReport
{
    /// <summary>Collections of generation 0 and above.</summary>
    public required long GcGen0 { get; init; }
    /// <summary>Collections of generation 1 and above.</summary>
    public required long GcGen1 { get; init; }
    /// <summary>Collections of generation 2, which are whole ones.</summary>
    public required long GcGen2 { get; init; }
    /// <summary>Bytes allocated by all threads; the newest few KiB of each may be missing.</summary>
    public required long AllocatedBytes { get; init; }

    /// <summary>A report of now. Any thread.</summary>
    public static RuntimeReport Now() => new()
    {
        GcGen0 = GC.CollectionCount(0),
        GcGen1 = GC.CollectionCount(1),
        GcGen2 = GC.CollectionCount(2),
        AllocatedBytes = GC.GetTotalAllocatedBytes(precise: false),
    };
}
