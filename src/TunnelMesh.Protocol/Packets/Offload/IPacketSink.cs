namespace TunnelMesh.Protocol.Packets.Offload;

/// <summary>Where a <see cref="PacketCoalescer"/> writes. All spans are valid during the call only.</summary>
public interface IPacketSink
{
    /// <summary>Takes one packet, unchanged.</summary>
    /// <param name="packet">The packet.</param>
    void WritePacket(scoped ReadOnlySpan<byte> packet);

    /// <summary>Takes a super-packet: the headers, followed by all payload slices in order.</summary>
    /// <param name="header">How to cut it again; with a checksum to complete.</param>
    /// <param name="packetHeader">IP and transport header of the whole.</param>
    /// <param name="buffer">The receive buffer that the slices are of.</param>
    /// <param name="payload">The payloads, one a packet, at least two.</param>
    void WriteGroup(in VirtioNetHeader header, scoped ReadOnlySpan<byte> packetHeader, scoped ReadOnlySpan<byte> buffer, scoped ReadOnlySpan<PacketSlice> payload);
}
