namespace TunnelMesh.Platform.SystemDns;

/// <summary>A file as it was: a link, a file, or nothing; and what was put in its place.</summary>
public sealed record SavedFile
{
    /// <summary>Its path.</summary>
    public required string Path { get; init; }
    /// <summary>Where it led, when it was a symbolic link.</summary>
    public string? LinkTarget { get; init; }
    /// <summary>What was in it, when it was a file.</summary>
    public byte[]? Content { get; init; }
    /// <summary>Its mode, when it was a file.</summary>
    public int Mode { get; init; }
    /// <summary>When it was written last, when it was a file; Unix milliseconds.</summary>
    public long WrittenUnixMs { get; init; }
    /// <summary>What is put in its place.</summary>
    public required byte[] Ours { get; init; }
}
