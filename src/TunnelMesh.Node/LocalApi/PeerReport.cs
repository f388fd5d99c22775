namespace TunnelMesh.Node.LocalApi;

/// <summary>Another device. The JSON names are stable; unknown values are null.</summary>
public sealed record PeerReport
{
    /// <summary>Device name.</summary>
    public required string Name { get; init; }
    /// <summary>Peer ID, 16 hex digits.</summary>
    public required string PeerId { get; init; }
    /// <summary>Device ID, 32 hex digits.</summary>
    public required string DeviceId { get; init; }
    /// <summary>Mesh IPv4 address.</summary>
    public required string MeshIp { get; init; }
    /// <summary>Mesh IPv6 address.</summary>
    public required string MeshIp6 { get; init; }
    /// <summary>Presence as the coordinator told it.</summary>
    public required bool Online { get; init; }
    /// <summary>Whether it lets the traffic of others out to the internet.</summary>
    public bool AllowsExit { get; init; }
    /// <summary>When the coordinator last saw it; null if never.</summary>
    public DateTimeOffset? LastSeen { get; init; }
    /// <summary><c>udp</c>, <c>ssh</c>, <c>relay</c> or <c>none</c>.</summary>
    public required string Path { get; init; }
    /// <summary>Endpoint in use, ip:port; null without one.</summary>
    public string? Endpoint { get; init; }
    /// <summary>Round trip in milliseconds; null when not measured.</summary>
    public double? RttMs { get; init; }
    /// <summary>Bytes received through the tunnel.</summary>
    public long RxBytes { get; init; }
    /// <summary>Bytes sent through the tunnel.</summary>
    public long TxBytes { get; init; }
    /// <summary>End of the last handshake; null if none.</summary>
    public DateTimeOffset? LastHandshake { get; init; }
}
