namespace TunnelMesh.Node.LocalApi;

/// <summary>What one STUN server told.</summary>
public sealed record StunServerReport
{
    /// <summary>Its endpoint, ip:port.</summary>
    public required string Server { get; init; }
    /// <summary>Where it sees this peer, ip:port; null when it does not answer.</summary>
    public required string? SeenAs { get; init; }
    /// <summary>Round trip in milliseconds; null when it does not answer.</summary>
    public required double? RttMs { get; init; }
}
