using TunnelMesh.Protocol.Packets;
using TunnelMesh.Protocol.Packets.Offload;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>A frame of a TUN device: virtio header and packet. Whatever is cut must parse, check and add up to the payload.</summary>
internal static class SegmentSplitterTarget
{
    private const int Slots = 8, Headroom = 16;

    public static FuzzTarget Create() => new("segment-splitter", Seeds(), Run);

    private static byte[][] Seeds()
    {
        // Virtio headers in the byte order of the machines that fuzz.
        byte[] ip4 = Convert.FromHexString("4500" + "0048" + "0007" + "4000" + "4006" + "0000" + "0a2a0001" + "0a2a0002");
        byte[] ip6 = Convert.FromHexString("60000000" + "0028" + "1140" + "fd000000000000000000000000000001" + "fd000000000000000000000000000002");
        byte[] tcp = Convert.FromHexString("03e80050" + "00000001" + "00000002" + "5018ffff" + "00000000");
        byte[] udp = Convert.FromHexString("03e80050" + "00280000");
        byte[] data = new byte[32];
        byte[] Header(byte gso, ushort size, ushort start, ushort offset)
        {
            byte[] header = new byte[VirtioNetHeader.Size];
            new VirtioNetHeader(VirtioNetHeader.NeedsChecksum, gso, start, size, start, offset).Write(header);
            return header;
        }

        return
        [
            [.. Header(VirtioNetHeader.GsoTcpV4, 9, 20, 16), .. ip4, .. tcp, .. data],
            [.. Header(VirtioNetHeader.GsoUdp, 8, 40, 6), .. ip6, .. udp, .. data],
            [.. Header(VirtioNetHeader.GsoNone, 0, 40, 6), .. ip6, .. udp, .. data],
        ];
    }

    private static void Run(ReadOnlyMemory<byte> input)
    {
        if (!VirtioNetHeader.TryRead(input.Span, out VirtioNetHeader header))
        {
            return;
        }

        ReadOnlySpan<byte> packet = input.Span[VirtioNetHeader.Size..];
        byte[] inPlace = packet.ToArray();
        bool completed = SegmentSplitter.TryComplete(header, inPlace);
        if (!SegmentSplitter.TryParse(header, packet, out SegmentSplitter splitter))
        {
            return;
        }

        bool gso = header.GsoType != VirtioNetHeader.GsoNone;
        Check.That(completed == !gso, "in place and with a copy disagree on what is one packet");
        int stride = Headroom + splitter.SegmentLength;
        byte[] output = new byte[Slots * stride];
        int payload = 0, headers = 0;
        for (int first = 0; first < splitter.Count;)
        {
            int count = splitter.Split(first, output, stride, Headroom);
            Check.That(count is > 0 and <= Slots, "no progress");
            for (int i = 0; i < count; i++)
            {
                ReadOnlySpan<byte> segment = output.AsSpan(i * stride + Headroom, splitter.LengthOf(first + i));
                if (!gso)
                {
                    Check.That(segment.SequenceEqual(inPlace), "in place and with a copy disagree");
                    continue;
                }

                Check.That(IpPacket.TryParse(segment, out IpPacket ip) && ip.TotalLength == segment.Length, "a segment does not parse");
                Check.That(ScalarChecksum.IsRight(segment), "a segment's checksum is wrong");
                headers = ip.TransportOffset + (ip.Protocol == IpProtocol.Tcp ? (ip.Transport[12] >> 4) * 4 : 8);
                Check.That(segment[headers..].SequenceEqual(packet.Slice(headers + payload, segment.Length - headers)), "payload lost or moved");
                payload += segment.Length - headers;
            }

            first += count;
        }

        Check.That(!gso || headers + payload == packet.Length, "the segments do not add up");
    }
}
