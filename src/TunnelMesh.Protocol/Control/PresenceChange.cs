namespace TunnelMesh.Protocol.Control;

/// <summary>A device came or went.</summary>
public sealed record PresenceChange
{
    /// <summary>Device ID.</summary>
    public required string Id { get; init; }
    /// <summary>True while its control stream lives.</summary>
    public required bool Online { get; init; }
    /// <summary>Unix seconds.</summary>
    public required long LastSeen { get; init; }
}
