namespace TunnelMesh.Protocol.Control;

/// <summary>
/// First message of a join or renewal, peer to coordinator. Keys and nonces are raw bytes (base64 in JSON).
/// Everything here enters the transcript (<c>JoinTranscript</c>) that all proofs cover.
/// </summary>
public sealed record JoinHello
{
    /// <summary>JSON type name.</summary>
    public const string TypeName = "join_hello";
    /// <summary>Highest protocol version the peer speaks.</summary>
    public required int Version { get; init; }
    /// <summary>Oldest protocol version the peer speaks.</summary>
    public required int OldestVersion { get; init; }
    /// <summary>Optional features the peer knows.</summary>
    public IReadOnlyList<string> Capabilities { get; init => field = WireList.Of(value); } = [];
    /// <summary>32 random bytes bound to this connection.</summary>
    public required byte[] Nonce { get; init; }
    /// <summary>Raw Ed25519 public key, 32 bytes.</summary>
    public required byte[] IdentityKey { get; init; }
    /// <summary>Raw X25519 public key, 32 bytes.</summary>
    public required byte[] DeviceKey { get; init; }
    /// <summary>SubjectPublicKeyInfo (DER, ECDSA P-256) the client certificate shall be issued for.</summary>
    public required byte[] TlsKey { get; init; }
    /// <summary>Wanted name, a DNS label; the coordinator may add a suffix.</summary>
    public required string Name { get; init; }
    /// <summary>The peer's wall clock, Unix milliseconds.</summary>
    public required long UnixTimeMs { get; init; }
    /// <summary>Program version, for display.</summary>
    public string ProgramVersion { get; init => field = value ?? ""; } = "";
}
