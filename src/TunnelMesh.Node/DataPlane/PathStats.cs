namespace TunnelMesh.Node.DataPlane;

/// <summary>What is known of one path to a device, at one moment.</summary>
public sealed record PathStats
{
    /// <summary><c>udp</c>, <c>ssh</c> or <c>relay</c>.</summary>
    public required string Transport { get; init; }

    /// <summary>The UDP address; null over a carrier.</summary>
    public string? Endpoint { get; init; }

    /// <summary>True for the one in use; a carrier that has no way is not.</summary>
    public required bool InUse { get; init; }

    /// <summary>True while the map, the coordinator or the carrier offers it; false for one learnt from the peer's datagrams.</summary>
    public required bool Offered { get; init; }

    /// <summary>Of a carrier: whether it has a way now; always true for UDP.</summary>
    public required bool Open { get; init; }

    /// <summary><c>untried</c>, <c>sizing</c>, <c>proven</c> or <c>doubted</c>.</summary>
    public required string State { get; init; }

    /// <summary>Smoothed round trip in milliseconds; null before the first.</summary>
    public double? RttMs { get; init; }

    /// <summary>Share of small probes lost lately, 0 to 1.</summary>
    public required double Loss { get; init; }

    /// <summary>Inner bytes of the largest packet that came back; 0 for none.</summary>
    public required int Mtu { get; init; }

    /// <summary>Probes sent, and come back.</summary>
    public required long Probes { get; init; }

    /// <inheritdoc cref="Probes"/>
    public required long Echoes { get; init; }

    /// <summary>Milliseconds since the last authenticated datagram over it; null when there was none.</summary>
    public double? HeardMsAgo { get; init; }
}
