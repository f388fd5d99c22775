namespace TunnelMesh.Protocol.Control;

/// <summary>
/// The order of transports that a coordinator keeps for a device, or for a pair of devices. It only orders: what a device's configuration leaves out stays
/// out, and what the order does not name comes after it. A pair's counts before a device's, and of two of the same kind the later.
/// </summary>
public sealed record TransportPreference
{
    /// <summary>Transports in one order at most.</summary>
    public const int MaxTransports = 8;

    /// <summary>ID of the other device of the pair; null when the order holds towards all devices.</summary>
    public string? With { get; init; }
    /// <summary>Transports, the preferred first: udp, ssh, relay. Names that are not known are passed over.</summary>
    public required IReadOnlyList<string> Transports { get; init => field = WireList.Of(value); }
    /// <summary>The stored number of the change that set it: the larger is the later.</summary>
    public required long Number { get; init; }
}
