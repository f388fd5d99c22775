using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Node.Control;

/// <summary>What a device has after a join or a renewal. The caller owns the certificate.</summary>
public sealed record JoinResult
{
    /// <summary>Client certificate and key.</summary>
    public required PeerCertificate Certificate { get; init; }
    /// <summary>The mesh root, DER: pin it.</summary>
    public required byte[] MeshRoot { get; init; }
    /// <summary>The mesh.</summary>
    public required MeshInfo Mesh { get; init; }
    /// <summary>The device's own entry, its signed record and keys verified.</summary>
    public required MapDevice Device { get; init; }
    /// <summary>Set when the name differs from the wanted one: why.</summary>
    public string? NameNote { get; init; }
}
