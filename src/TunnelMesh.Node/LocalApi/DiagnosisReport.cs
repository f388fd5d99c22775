namespace TunnelMesh.Node.LocalApi;

/// <summary>How a device is reached, and why not better. The JSON names are stable.</summary>
public sealed record DiagnosisReport
{
    /// <summary>Device name.</summary>
    public required string Name { get; init; }
    /// <summary>Mesh IPv4 address.</summary>
    public required string MeshIp { get; init; }
    /// <summary>Device ID, 32 hex digits.</summary>
    public required string DeviceId { get; init; }
    /// <summary>Presence as the coordinator told it.</summary>
    public required bool Online { get; init; }
    /// <summary><c>udp</c>, <c>ssh</c>, <c>relay</c> or <c>none</c>.</summary>
    public required string Path { get; init; }
    /// <summary>Endpoint in use, ip:port; null for a path other than UDP.</summary>
    public required string? Endpoint { get; init; }
    /// <summary>The cause in snake_case, as docs/cli.md lists them; <c>fine</c> when the device is reached directly and well.</summary>
    public required string Cause { get; init; }
    /// <summary>The cause in a sentence.</summary>
    public required string Summary { get; init; }
    /// <summary>What would help; null where nothing has to.</summary>
    public required string? Help { get; init; }
    /// <summary>Every path known, tried or not.</summary>
    public required IReadOnlyList<PathReport> Paths { get; init; }
}
