namespace TunnelMesh.Protocol.Control;

/// <summary>Values of <see cref="ErrorMessage.Code"/>; stable names, a peer maps them to exit codes and advice.</summary>
public static class ControlErrorCodes
{
    /// <summary>No common protocol version.</summary>
    public const string UnsupportedVersion = "unsupported_version";
    /// <summary>The message type is not known to this coordinator.</summary>
    public const string UnknownType = "unknown_type";
    /// <summary>A message is damaged or out of order.</summary>
    public const string BadMessage = "bad_message";
    /// <summary>The proof did not verify: wrong token, or someone stands between peer and coordinator.</summary>
    public const string ProofRefused = "proof_refused";
    /// <summary>Too many failed proofs from this address; retry after a minute.</summary>
    public const string RateLimited = "rate_limited";
    /// <summary>The device or its user was revoked.</summary>
    public const string Revoked = "revoked";
    /// <summary>The device is not known (it left, or never joined): join again with a token.</summary>
    public const string UnknownDevice = "unknown_device";
    /// <summary>The same device key is already connected from another machine.</summary>
    public const string DeviceInUse = "device_in_use";
    /// <summary>The requested name is reserved or not a DNS label.</summary>
    public const string NameRefused = "name_refused";
    /// <summary>No free address is left in the mesh range.</summary>
    public const string AddressesExhausted = "addresses_exhausted";
    /// <summary>The peer's clock differs too much from the coordinator's.</summary>
    public const string ClockSkew = "clock_skew";
    /// <summary>The coordinator cannot store the change (disk full, database damaged).</summary>
    public const string StorageFailed = "storage_failed";
    /// <summary>Any other failure inside the coordinator.</summary>
    public const string Internal = "internal";
}
