using System.Text.Json.Serialization;

namespace TunnelMesh.Node.LocalApi;

/// <summary>State of a running peer. The JSON names are stable.</summary>
public sealed record StatusReport
{
    /// <summary>Device name in the mesh.</summary>
    public required string Name { get; init; }
    /// <summary>Peer ID, 16 hex digits.</summary>
    public required string PeerId { get; init; }
    /// <summary>Device ID, 32 hex digits.</summary>
    public required string DeviceId { get; init; }
    /// <summary>Mesh IPv4 address.</summary>
    public required string MeshIp { get; init; }
    /// <summary>Mesh IPv6 address.</summary>
    public required string MeshIp6 { get; init; }
    /// <summary>Mesh IPv4 range.</summary>
    public required string MeshCidr { get; init; }
    /// <summary>Domain of the mesh.</summary>
    public required string Domain { get; init; }
    /// <summary>Program version.</summary>
    public required string Version { get; init; }
    /// <summary>Whole seconds since start.</summary>
    public required long UptimeSeconds { get; init; }
    /// <summary>The control stream.</summary>
    public required CoordinatorReport Coordinator { get; init; }
    /// <summary>The stream to the relay; null while the peer starts, and where <c>transports</c> leaves the relay out.</summary>
    public required RelayReport? Relay { get; init; }
    /// <summary>The TUN interface.</summary>
    public required TunReport Tun { get; init; }
    /// <summary>The data plane; null while it is not there yet.</summary>
    [JsonPropertyName("dataplane")]
    public required DataPlaneReport? DataPlane { get; init; }
    /// <summary>The DNS resolver.</summary>
    public required DnsReport Dns { get; init; }
    /// <summary>Whether addresses of the mesh come in by its interface only; null from a peer that does not tell.</summary>
    public GuardReport? Guard { get; init; }
    /// <summary>Exit traffic.</summary>
    public required ExitReport Exit { get; init; }
    /// <summary>Where the metrics are; null while they are not served.</summary>
    public required string? MetricsUrl { get; init; }
    /// <summary>The .NET runtime.</summary>
    public required RuntimeReport Runtime { get; init; }
    /// <summary>Entries of the network map refused since the start because something about them did not hold.</summary>
    public required long MapEntriesDropped { get; init; }
    /// <summary>Other devices in the map.</summary>
    public required int PeersTotal { get; init; }
    /// <summary>Other devices that are online.</summary>
    public required int PeersOnline { get; init; }
}
