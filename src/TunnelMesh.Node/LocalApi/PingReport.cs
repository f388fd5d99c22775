namespace TunnelMesh.Node.LocalApi;

/// <summary>What came of one ping inside the session of a device. The JSON names are stable.</summary>
public sealed record PingReport
{
    /// <summary>Always <c>ping</c>: tells it from the summary that follows.</summary>
    public string Kind { get; init; } = "ping";
    /// <summary>Device name.</summary>
    public required string Name { get; init; }
    /// <summary>Mesh IPv4 address.</summary>
    public required string MeshIp { get; init; }
    /// <summary>Device ID, 32 hex digits.</summary>
    public required string DeviceId { get; init; }
    /// <summary>Presence as the coordinator told it.</summary>
    public bool Online { get; init; } = true;
    /// <summary>True when the transports of both devices allow UDP.</summary>
    public bool DirectPossible { get; init; } = true;
    /// <summary>True when the answer came in time.</summary>
    public required bool Answered { get; init; }
    /// <summary>Round trip in milliseconds; null without an answer.</summary>
    public double? RttMs { get; init; }
    /// <summary><c>udp</c>, <c>ssh</c> or <c>relay</c>: how ping and answer went; without an answer the path it was sent over, or <c>none</c>.</summary>
    public required string Path { get; init; }
    /// <summary>Endpoint of a UDP path, ip:port; null for another.</summary>
    public string? Endpoint { get; init; }
    /// <summary>Changes of the path to the device since the peer knows it, when the ping was sent.</summary>
    public required long PathChanges { get; init; }
}
