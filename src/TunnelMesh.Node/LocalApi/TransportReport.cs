namespace TunnelMesh.Node.LocalApi;

/// <summary>An order of transports that the mesh keeps for a device or a pair.</summary>
public sealed record TransportReport
{
    /// <summary>Name of the device; its ID while the map does not have it.</summary>
    public required string Name { get; init; }
    /// <summary>Device ID, 32 hex digits.</summary>
    public required string DeviceId { get; init; }
    /// <summary>Name of the other device of the pair; null when the order holds towards all devices.</summary>
    public string? With { get; init; }
    /// <summary>Device ID of the other device, or null.</summary>
    public string? WithDeviceId { get; init; }
    /// <summary>Transports, the preferred first.</summary>
    public required IReadOnlyList<string> Transports { get; init; }
}
