namespace TunnelMesh.Protocol.Control;

/// <summary>The coordinator's answer to <see cref="JoinHello"/>.</summary>
public sealed record JoinChallenge
{
    /// <summary>JSON type name.</summary>
    public const string TypeName = "join_challenge";
    /// <summary>Chosen protocol version.</summary>
    public required int Version { get; init; }
    /// <summary>32 random bytes bound to this connection.</summary>
    public required byte[] Nonce { get; init; }
    /// <summary>X25519 key made for this connection only, 32 bytes; the peer proves its device key against it.</summary>
    public required byte[] EphemeralKey { get; init; }
    /// <summary>DER certificates: the mesh root first, then the issuer; lets a peer check a CA pin before it proves anything.</summary>
    public required IReadOnlyList<byte[]> CaCertificates { get; init => field = WireList.Of(value); }
    /// <summary>The coordinator's wall clock, Unix milliseconds.</summary>
    public required long UnixTimeMs { get; init; }
}
