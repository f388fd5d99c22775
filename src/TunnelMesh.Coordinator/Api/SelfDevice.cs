namespace TunnelMesh.Coordinator.Api;

/// <summary>The coordinator's own device, a peer like any other. Arrays are not changed after the call.</summary>
public sealed record SelfDevice
{
    /// <summary>Raw X25519 public key, 32 bytes.</summary>
    public required byte[] DeviceKey { get; init; }
    /// <summary>Raw Ed25519 public key, 32 bytes.</summary>
    public required byte[] IdentityKey { get; init; }
    /// <summary>Device record of these keys for this mesh's root (<c>DeviceRecord.Create</c>).</summary>
    public required byte[] Record { get; init; }
}
