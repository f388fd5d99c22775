namespace TunnelMesh.Node.LocalApi;

/// <summary>A rule in use. The JSON names are stable.</summary>
public sealed record FilterRuleReport
{
    /// <summary><c>coordinator</c>, <c>peer</c>, <c>temporary</c> or <c>service</c>.</summary>
    public required string Layer { get; init; }
    /// <summary>A port or a range; empty for every port.</summary>
    public required string Port { get; init; }
    /// <summary><c>tcp</c>, <c>udp</c>, <c>icmp</c> or <c>any</c>.</summary>
    public required string Protocol { get; init; }
    /// <summary><c>allow</c> or <c>deny</c>.</summary>
    public required string Action { get; init; }
    /// <summary>A device name or group:NAME; empty for every peer.</summary>
    public required string SourcePeer { get; init; }
    /// <summary>False when the mesh has no such peer or group now, so that the rule is about nobody.</summary>
    public required bool SourceKnown { get; init; }
    /// <summary>Seconds that a temporary rule still holds; null without an end.</summary>
    public required double? TtlSeconds { get; init; }
    /// <summary>Packets that the rule has decided.</summary>
    public required long Hits { get; init; }
}
