namespace TunnelMesh.Protocol.Control;

/// <summary>The peer's proofs. A renewal carries an empty <see cref="TokenProof"/>.</summary>
public sealed record JoinProof
{
    /// <summary>JSON type name.</summary>
    public const string TypeName = "join_proof";
    /// <summary>HMAC-SHA256 under the token key over the transcript with the peer's label, 32 bytes.</summary>
    public required byte[] TokenProof { get; init; }
    /// <summary>Ed25519 signature of the identity key over the transcript, 64 bytes.</summary>
    public required byte[] IdentitySignature { get; init; }
    /// <summary>HMAC-SHA256 under the X25519 agreement of device key and ephemeral key over the transcript, 32 bytes.</summary>
    public required byte[] DeviceProof { get; init; }
    /// <summary>Opaque signed device record (<c>DeviceRecord</c>).</summary>
    public required byte[] DeviceRecord { get; init; }
}
