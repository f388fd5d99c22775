namespace TunnelMesh.Node.LocalApi;

/// <summary>A rule as it is asked for; every field as people write it, null when it was left out.</summary>
public sealed record FilterRuleRequest
{
    /// <summary>A port or a range such as 8000-8100.</summary>
    public string? Port { get; init; }
    /// <summary>tcp, udp, icmp or any.</summary>
    public string? Protocol { get; init; }
    /// <summary>allow or deny.</summary>
    public string? Action { get; init; }
    /// <summary>A device name or group:NAME.</summary>
    public string? SourcePeer { get; init; }
    /// <summary>Seconds for which a new rule holds; null until the peer ends.</summary>
    public double? TtlSeconds { get; init; }
}
