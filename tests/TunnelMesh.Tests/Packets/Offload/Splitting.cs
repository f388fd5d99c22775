using TunnelMesh.Protocol.Packets.Offload;

namespace TunnelMesh.Tests.Packets.Offload;

internal static class Splitting
{
    private const int Headroom = 16, Tailroom = 5;

    /// <summary>All packets of a frame, cut in bites of a few slots, with the space around them checked.</summary>
    public static List<byte[]> All(in VirtioNetHeader header, byte[] packet, int slots = 3)
    {
        Assert.True(SegmentSplitter.TryParse(header, packet, out SegmentSplitter splitter));
        int stride = Headroom + splitter.SegmentLength + Tailroom;
        List<byte[]> packets = [];
        byte[] output = new byte[slots * stride];
        while (packets.Count < splitter.Count)
        {
            Array.Fill(output, (byte)0xEE);
            int first = packets.Count, count = splitter.Split(first, output, stride, Headroom);
            Assert.InRange(count, 1, slots);
            for (int i = 0; i < count; i++)
            {
                Span<byte> slot = output.AsSpan(i * stride, stride);
                int length = splitter.LengthOf(first + i);
                packets.Add(slot.Slice(Headroom, length).ToArray());
                Assert.Equal(-1, slot[..Headroom].IndexOfAnyExcept((byte)0xEE));
                Assert.Equal(-1, slot[(Headroom + length)..].IndexOfAnyExcept((byte)0xEE));
            }
        }

        Assert.Equal(splitter.Count, packets.Count);
        return packets;
    }
}
