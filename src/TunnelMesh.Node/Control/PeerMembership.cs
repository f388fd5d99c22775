using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Node.Control;

/// <summary>What a device knows about its place in a mesh.</summary>
public sealed record PeerMembership
{
    /// <summary>host:port of the coordinator it joined at.</summary>
    public required string Server { get; init; }
    /// <summary>The mesh.</summary>
    public required MeshInfo Mesh { get; init; }
    /// <summary>Its own entry.</summary>
    public required MapDevice Device { get; init; }
    /// <summary>The pinned mesh root, DER.</summary>
    public required byte[] MeshRoot { get; init; }
}
