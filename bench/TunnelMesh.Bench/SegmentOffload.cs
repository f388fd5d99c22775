using System.Buffers.Binary;
using System.Diagnostics;
using TunnelMesh.Protocol.Packets;
using TunnelMesh.Protocol.Packets.Offload;

namespace TunnelMesh.Bench;

/// <summary>
/// Nanoseconds per segment for cutting super-packets and for joining their segments again, for the checksum alone, and for a
/// plain copy as the floor of cutting. One thread, everything in the cache; medians of slices.
/// </summary>
internal static class SegmentOffload
{
    private const int SegmentsPerSlice = 100_000, Stride = 2048, Headroom = 16;
    private static readonly PacketCoalescer Coalescer = new(new CoalescerOptions());

    public static void Run(int rounds, TextWriter output)
    {
        output.WriteLine("ns per segment, median of slices (fastest): copy, checksum, split, coalesce");
        foreach (int size in new[] { 100, 536, 1380 })
        {
            byte[] super = SuperPacket(Math.Min(60_000 / size, PacketCoalescer.MaxTcpSegments) * size);
            var header = new VirtioNetHeader(VirtioNetHeader.NeedsChecksum, VirtioNetHeader.GsoTcpV4, 40, (ushort)size, 20, 16);
            byte[] slots = new byte[PacketCoalescer.MaxTcpSegments * Stride];
            List<double>[] figures = [[], [], [], []];
            for (int round = 0; round <= rounds * 5; round++)
            {
                double[] slice =
                [
                    PerSegment(super, header, slots, Copy),
                    PerSegment(super, header, slots, Checksum),
                    PerSegment(super, header, slots, Split),
                    PerSegment(super, header, slots, Coalesce),
                ];

                // The first slices only warm up.
                for (int i = 0; round >= 5 && i < slice.Length; i++)
                {
                    figures[i].Add(slice[i]);
                }
            }

            output.WriteLine($"{size,5} B  {string.Join("  ", figures.Select(Tell))}");
        }
    }

    private static double PerSegment(byte[] super, in VirtioNetHeader header, byte[] slots, Func<byte[], VirtioNetHeader, byte[], int> work)
    {
        long start = Stopwatch.GetTimestamp();
        int done = 0;
        while (done < SegmentsPerSlice)
        {
            done += work(super, header, slots);
        }

        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / done;
    }

    private static int Split(byte[] super, VirtioNetHeader header, byte[] slots) =>
        SegmentSplitter.TryParse(header, super, out SegmentSplitter splitter) && splitter.Split(0, slots, Stride, Headroom) is var count && count == splitter.Count
            ? count
            : throw new InvalidOperationException("the super-packet was not cut");

    // Needs the slots as Split left them.
    private static int Coalesce(byte[] super, VirtioNetHeader header, byte[] slots)
    {
        int count = (super.Length - 40) / header.GsoSize;
        CountingSink sink = default;
        for (int i = 0; i < count; i++)
        {
            Coalescer.Add(slots, new PacketSlice(i * Stride + Headroom, 40 + header.GsoSize), ref sink);
        }

        Coalescer.Flush(slots, ref sink);
        return sink.Segments == count ? count : throw new InvalidOperationException($"{sink.Segments} of {count} segments were joined");
    }

    private static int Copy(byte[] super, VirtioNetHeader header, byte[] slots)
    {
        int count = (super.Length - 40) / header.GsoSize;
        for (int i = 0; i < count; i++)
        {
            super.AsSpan(40 + i * header.GsoSize, header.GsoSize).CopyTo(slots.AsSpan(i * Stride + Headroom));
        }

        return count;
    }

    private static int Checksum(byte[] super, VirtioNetHeader header, byte[] slots)
    {
        int count = (super.Length - 40) / header.GsoSize;
        ulong sum = 0;
        for (int i = 0; i < count; i++)
        {
            sum = InternetChecksum.Add(super.AsSpan(40 + i * header.GsoSize, header.GsoSize), sum);
        }

        return sum == 0 ? throw new InvalidOperationException("nothing was summed") : count;
    }

    private static byte[] SuperPacket(int payload)
    {
        byte[] packet = new byte[40 + payload];
        new Random(1).NextBytes(packet);
        Convert.FromHexString("4500000000074000400600000a2a00010a2a0002" + "03e8005000000001000000025010ffff00000000").CopyTo(packet, 0);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        return packet;
    }

    private static string Tell(List<double> figures)
    {
        figures.Sort();
        return $"{figures[figures.Count / 2]:F1} ({figures[0]:F1})";
    }

    private struct CountingSink : IPacketSink
    {
        public int Segments;

        public readonly void WritePacket(scoped ReadOnlySpan<byte> packet)
        {
        }

        public void WriteGroup(in VirtioNetHeader header, scoped ReadOnlySpan<byte> packetHeader, scoped ReadOnlySpan<byte> buffer, scoped ReadOnlySpan<PacketSlice> payload) =>
            Segments += payload.Length;
    }
}
