using TunnelMesh.Protocol.Packets.Offload;

namespace TunnelMesh.Tests.Packets.Offload;

/// <summary>Keeps what a coalescer writes, each write as the header and the whole packet.</summary>
internal sealed class CollectingSink : IPacketSink
{
    public List<(VirtioNetHeader Header, byte[] Packet, int Parts)> Writes { get; } = [];

    public void WritePacket(scoped ReadOnlySpan<byte> packet) => Writes.Add((default, packet.ToArray(), 1));

    public void WriteGroup(in VirtioNetHeader header, scoped ReadOnlySpan<byte> packetHeader, scoped ReadOnlySpan<byte> buffer, scoped ReadOnlySpan<PacketSlice> payload)
    {
        List<byte> whole = [.. packetHeader];
        foreach (PacketSlice slice in payload)
        {
            whole.AddRange(buffer.Slice(slice.Offset, slice.Length));
        }

        Writes.Add((header, [.. whole], payload.Length));
    }

    /// <summary>Adds the packets in order, each in a slot of one buffer, and flushes.</summary>
    public static CollectingSink Run(PacketCoalescer coalescer, IReadOnlyList<byte[]> packets)
    {
        byte[] buffer = new byte[packets.Sum(p => p.Length + 3)];
        List<PacketSlice> slices = [];
        int at = 0;
        foreach (byte[] packet in packets)
        {
            packet.CopyTo(buffer, at + 1);
            slices.Add(new PacketSlice(at + 1, packet.Length));
            at += packet.Length + 3;
        }

        CollectingSink sink = new();
        foreach (PacketSlice slice in slices)
        {
            coalescer.Add(buffer, slice, ref sink);
        }

        coalescer.Flush(buffer, ref sink);
        return sink;
    }

    /// <summary>All packets again, in the order of the writes.</summary>
    public List<byte[]> SplitAgain()
    {
        List<byte[]> packets = [];
        foreach ((VirtioNetHeader header, byte[] packet, _) in Writes)
        {
            packets.AddRange(Splitting.All(header, packet));
        }

        return packets;
    }
}
