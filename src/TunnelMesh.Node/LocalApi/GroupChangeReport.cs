namespace TunnelMesh.Node.LocalApi;

/// <summary>What was done to a group.</summary>
public sealed record GroupChangeReport
{
    /// <summary>Name of the group.</summary>
    public required string Group { get; init; }
    /// <summary>Peer ID of the user who was put into it or taken out of it, 16 hex digits; null when the group itself was made or deleted.</summary>
    public required string? PeerId { get; init; }
    /// <summary>Names of the user's devices in the mesh now; the change is about each of them.</summary>
    public required IReadOnlyList<string> Devices { get; init; }
}
