using TunnelMesh.Protocol.Packets.Offload;

namespace TunnelMesh.Node.DataPlane;

/// <summary>Opened packets on their way to the TUN; what it refuses is counted. A struct, so that the coalescer calls it directly.</summary>
internal readonly struct TunSink(ITunnelOutput output, DataPlaneCounters counters) : IPacketSink
{
    /// <inheritdoc/>
    public void WritePacket(scoped ReadOnlySpan<byte> packet)
    {
        if (!output.WritePacket(packet))
        {
            counters.Drop(DropReason.TunFailed);
        }
    }

    /// <inheritdoc/>
    public void WriteGroup(in VirtioNetHeader header, scoped ReadOnlySpan<byte> packetHeader, scoped ReadOnlySpan<byte> buffer, scoped ReadOnlySpan<PacketSlice> payload)
    {
        if (!output.WriteGroup(header, packetHeader, buffer, payload))
        {
            counters.Drop(DropReason.TunFailed, payload.Length);
        }
    }
}
