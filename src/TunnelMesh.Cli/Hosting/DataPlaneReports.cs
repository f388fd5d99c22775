using System.Text.Json;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Cli.Hosting;

/// <summary>The data plane as `status` shows it.</summary>
internal static class DataPlaneReports
{
    /// <summary>A report of now.</summary>
    public static DataPlaneReport Of(DataPlane plane)
    {
        DataPlaneCounters counters = plane.Counters;
        return new DataPlaneReport
        {
            Cipher = TransportKeypair.CipherName,
            Lanes = plane.Lanes,
            ThreadsPerLane = plane.ThreadsPerLane,
            StayOnCpu = plane.StaysOnProcessor,
            StayingOnCpus = plane.Processors,
            TunOffloads = Names(plane.TunOffloads),
            UdpOffloads = Names(plane.UdpOffloads),
            SegmentationFallbacks = plane.SegmentationFallbacks,
            TxPackets = counters.SealedPackets,
            TxBatches = counters.SealedBatches,
            RxPackets = counters.OpenedPackets,
            RxBatches = counters.OpenedBatches,
            Handshakes = Enum.GetValues<HandshakeResult>().ToDictionary(r => Name(r.ToString()), r => plane.HandshakeCounters[r]),
            PeersRefused = plane.RefusedPeers,
            Drops = Enum.GetValues<DropReason>().ToDictionary(r => Name(r.ToString()), r => counters[r]),
            DroppedFiltered = [.. (plane.Filter?.Drops() ?? []).Select(d => new FilteredReport { Protocol = d.Protocol, SourcePeer = d.SourcePeer, Packets = d.Packets })],
        };
    }

    private static List<string> Names<T>(T flags)
        where T : struct, Enum =>
        [.. Enum.GetValues<T>().Where(f => System.Numerics.BitOperations.IsPow2(Convert.ToInt32(f)) && flags.HasFlag(f)).Select(f => Name(f.ToString()))];

    private static string Name(string name) => JsonNamingPolicy.SnakeCaseLower.ConvertName(name);
}
