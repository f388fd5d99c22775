namespace TunnelMesh.Node.LocalApi;

/// <summary>What the data plane uses, and where packets went since the start.</summary>
public sealed record DataPlaneReport
{
    /// <summary><c>avx512</c>, <c>libcrypto</c> or <c>framework</c>.</summary>
    public required string Cipher { get; init; }
    /// <summary>Lanes of the data plane.</summary>
    public required int Lanes { get; init; }
    /// <summary>Threads of each lane, 1 or 2.</summary>
    public required int ThreadsPerLane { get; init; }
    /// <summary>Whether threads of lanes stay on a processor while they are busy.</summary>
    public required bool StayOnCpu { get; init; }
    /// <summary>Processors that threads of lanes stay on, because they are busy there now.</summary>
    public required IReadOnlyList<int> StayingOnCpus { get; init; }
    /// <summary>Offloads of the TUN in use: of <c>checksum</c>, <c>tcp</c>, <c>udp</c>.</summary>
    public required IReadOnlyList<string> TunOffloads { get; init; }
    /// <summary>Offloads of the socket in use: of <c>segmentation</c>, <c>receive_coalescing</c>.</summary>
    public required IReadOnlyList<string> UdpOffloads { get; init; }
    /// <summary>Trains of datagrams that the system refused, and that went one by one.</summary>
    public required long SegmentationFallbacks { get; init; }
    /// <summary>Inner packets sealed in batches.</summary>
    public required long TxPackets { get; init; }
    /// <summary>Batches sealed.</summary>
    public required long TxBatches { get; init; }
    /// <summary>Datagrams opened.</summary>
    public required long RxPackets { get; init; }
    /// <summary>Batches opened.</summary>
    public required long RxBatches { get; init; }
    /// <summary>Handshake datagrams since the start, by result in snake_case.</summary>
    public required IReadOnlyDictionary<string, long> Handshakes { get; init; }
    /// <summary>Devices of the map that have no tunnel because their key gives no secrecy or is another's too; since the start.</summary>
    public required long PeersRefused { get; init; }
    /// <summary>Packets dropped, by reason in snake_case.</summary>
    public required IReadOnlyDictionary<string, long> Drops { get; init; }
    /// <summary>Packets that the filter dropped, by protocol and peer; only where there were any.</summary>
    public required IReadOnlyList<FilteredReport> DroppedFiltered { get; init; }
}
