namespace TunnelMesh.Coordinator.State;

/// <summary>A device whose proofs have verified asks to be a member. Arrays are not changed after the call.</summary>
public sealed record RegistrationRequest
{
    /// <summary>Raw X25519 key, 32 bytes; it decides whether the device is known.</summary>
    public required byte[] DeviceKey { get; init; }
    /// <summary>Raw Ed25519 key, 32 bytes.</summary>
    public required byte[] IdentityKey { get; init; }
    /// <summary>Wanted name; only a new device's counts.</summary>
    public required string Name { get; init; }
    /// <summary>Signed device record, opaque here.</summary>
    public required byte[] Record { get; init; }
    /// <summary>Generation in the record; an older record never replaces a newer one.</summary>
    public required ulong RecordGeneration { get; init; }
    /// <summary>The token whose proof verified; null for a renewal or for the coordinator itself. Counted when it admits a new device.</summary>
    public long? TokenId { get; init; }
    /// <summary>True when only a known device may be registered (renewal).</summary>
    public bool KnownOnly { get; init; }
    /// <summary>
    /// True only when the coordinator registers its own device: it becomes the state's one coordinator. False leaves the flag of
    /// a known device as it is, so no join or renewal sets or clears it.
    /// </summary>
    public bool Coordinator { get; init; }
    /// <summary>Program version, for display.</summary>
    public string ProgramVersion { get; init; } = "";
}
