namespace TunnelMesh.Protocol.Control;

/// <summary>What identifies a mesh and frames its addresses.</summary>
public sealed record MeshInfo
{
    /// <summary>40-bit mesh ID, 10 hex digits.</summary>
    public required string MeshId { get; init; }
    /// <summary>IPv4 range, for example 10.42.0.0/16.</summary>
    public required string Cidr { get; init; }
    /// <summary>IPv6 /48, for example fd12:3456:789a::/48.</summary>
    public required string Cidr6 { get; init; }
    /// <summary>Canonical domain suffix without a dot: tunnelmesh.</summary>
    public required string Domain { get; init; }
    /// <summary>Longest time, in seconds, a peer may use its cached map without a coordinator.</summary>
    public required long MapMaxAgeSeconds { get; init; }
}
