namespace TunnelMesh.Node.LocalApi;

/// <summary>What was revoked.</summary>
public sealed record RevokeReport
{
    /// <summary>Peer ID of the user: revoked too, or only the owner of the device; empty for a device that had left.</summary>
    public required string PeerId { get; init; }
    /// <summary>True when the user was revoked, false when only a device was.</summary>
    public required bool User { get; init; }
    /// <summary>Names of the devices that went out of the mesh; the ID of one that had left.</summary>
    public required IReadOnlyList<string> Devices { get; init; }
}
