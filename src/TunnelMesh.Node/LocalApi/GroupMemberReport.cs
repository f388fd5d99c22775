namespace TunnelMesh.Node.LocalApi;

/// <summary>A user in a group.</summary>
public sealed record GroupMemberReport
{
    /// <summary>Peer ID of the user, 16 hex digits.</summary>
    public required string PeerId { get; init; }
    /// <summary>Names of the user's devices in the mesh now.</summary>
    public required IReadOnlyList<string> Devices { get; init; }
}
