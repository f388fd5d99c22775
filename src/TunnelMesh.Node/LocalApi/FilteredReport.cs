namespace TunnelMesh.Node.LocalApi;

/// <summary>Packets of one protocol and peer that the filter dropped. The JSON names are stable.</summary>
public sealed record FilteredReport
{
    /// <summary><c>tcp</c>, <c>udp</c>, <c>icmp</c> or <c>other</c>.</summary>
    public required string Protocol { get; init; }
    /// <summary>Name of the device they came from.</summary>
    public required string SourcePeer { get; init; }
    /// <summary>How many since the start.</summary>
    public required long Packets { get; init; }
}
