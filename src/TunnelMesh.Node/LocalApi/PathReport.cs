namespace TunnelMesh.Node.LocalApi;

/// <summary>One way to a device that is known, tried or not.</summary>
public sealed record PathReport
{
    /// <summary><c>udp</c>, <c>ssh</c> or <c>relay</c>.</summary>
    public required string Transport { get; init; }
    /// <summary>The UDP address, ip:port; null for another transport.</summary>
    public required string? Endpoint { get; init; }
    /// <summary>True for the one in use.</summary>
    public required bool InUse { get; init; }
    /// <summary>True when the map or the configuration offers it, false for an address learnt from the device itself.</summary>
    public required bool Offered { get; init; }
    /// <summary>True while the transport has a way; always true for UDP.</summary>
    public required bool Open { get; init; }
    /// <summary><c>untried</c> (nothing came back), <c>sizing</c>, <c>proven</c> or <c>doubted</c> (it has stopped to answer).</summary>
    public required string State { get; init; }
    /// <summary>Smoothed round trip in milliseconds.</summary>
    public required double? RttMs { get; init; }
    /// <summary>Share of small probes lost lately, 0 to 1; null before the first echo.</summary>
    public required double? Loss { get; init; }
    /// <summary>Inner bytes of the largest packet that came back; null for none.</summary>
    public required int? Mtu { get; init; }
    /// <summary>Probes sent.</summary>
    public required long Probes { get; init; }
    /// <summary>Probes that came back.</summary>
    public required long Echoes { get; init; }
    /// <summary>Milliseconds since something was last heard over it; null for never.</summary>
    public required double? HeardMsAgo { get; init; }
    /// <summary>What is wrong with the transport; null when nothing is known.</summary>
    public required string? Problem { get; init; }
}
