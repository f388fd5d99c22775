using TunnelMesh.Protocol.Packets.Offload;
using TunnelMesh.Tests.Packets.Offload;

namespace TunnelMesh.Tests.DataPlane;

/// <summary>Frames as a TUN with offloads gives them.</summary>
internal static class SuperPackets
{
    /// <summary>The header of a super-packet of this flow.</summary>
    public static VirtioNetHeader Header(FlowBytes flow, int size) => new(
        VirtioNetHeader.NeedsChecksum,
        flow.Tcp ? (flow.V4 ? VirtioNetHeader.GsoTcpV4 : VirtioNetHeader.GsoTcpV6) : VirtioNetHeader.GsoUdp,
        (ushort)flow.HeaderLength,
        (ushort)size,
        (ushort)flow.TransportOffset,
        (ushort)(flow.Tcp ? 16 : 6));

    /// <summary>Hands a super-packet to an engine, unsent, and gives the segments that have to come out.</summary>
    public static List<byte[]> Take(TrainSide side, FlowBytes flow, byte[] data, int size, uint sequence = 1, ushort id = 0)
    {
        byte[] packet = flow.Make(data, sequence, id);
        VirtioNetHeader header = Header(flow, size);
        side.Engine.HandleFrame(header, packet);
        return Splitting.All(header, packet);
    }
}
