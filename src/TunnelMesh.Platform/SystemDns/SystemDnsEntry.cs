namespace TunnelMesh.Platform.SystemDns;

/// <summary>What was changed and how to undo it. It survives the process, so that the next one can.</summary>
public sealed record SystemDnsEntry
{
    /// <summary><see cref="ISystemDns.Name"/> of who changed it.</summary>
    public required string Backend { get; init; }
    /// <summary>The mesh's interface.</summary>
    public required string Interface { get; init; }
    /// <summary>The resolver that the system was told of, where undoing needs it.</summary>
    public string? Server { get; init; }
    /// <summary>Remark that rules carry.</summary>
    public string Tag { get; init; } = "";
    /// <summary>Whether every other name was sent to the resolver, too, by a setting beside the files.</summary>
    public bool All { get; init; }
    /// <summary>Files as they were.</summary>
    public IReadOnlyList<SavedFile> Files { get; init; } = [];
}
