namespace TunnelMesh.Protocol.Control;

/// <summary>The coordinator's proof and what the peer needs to be a member.</summary>
public sealed record JoinAccepted
{
    /// <summary>JSON type name.</summary>
    public const string TypeName = "join_accepted";
    /// <summary>HMAC-SHA256 under the token key over the transcript with the coordinator's label, 32 bytes; empty on renewal.</summary>
    public required byte[] TokenProof { get; init; }
    /// <summary>Client certificate chain, DER: leaf, issuer.</summary>
    public required IReadOnlyList<byte[]> Certificates { get; init => field = WireList.Of(value); }
    /// <summary>The mesh, as the peer keeps it.</summary>
    public required MeshInfo Mesh { get; init; }
    /// <summary>The device's own entry.</summary>
    public required MapDevice Device { get; init; }
    /// <summary>Set when the name differs from the wanted one: why.</summary>
    public string? NameNote { get; init; }
}
