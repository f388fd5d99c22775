using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Packets.Offload;

/// <summary>
/// Turns what a TUN device with offloads gives into whole packets: cuts a super-packet (TCP or UDP, IPv4 or IPv6) into segments
/// as the network card would have done, or completes the checksum of a single packet. A view of the caller's bytes; copies each
/// payload byte once, into the caller's slots, and allocates nothing.
/// </summary>
public readonly ref struct SegmentSplitter
{
    private const int TcpHeader = 20, UdpHeader = 8;
    private const int TcpChecksum = 16, UdpChecksum = 6;

    // IPv4 with options, TCP with options.
    private const int MaxHeaders = 60 + 60;
    private const byte Fin = 0x01, Psh = 0x08, Cwr = 0x80;

    private readonly ReadOnlySpan<byte> _packet;
    private readonly int _transport;
    private readonly int _headers;
    private readonly int _gsoSize;
    private readonly ushort _checksumStart;
    private readonly ushort _checksumOffset;

    private SegmentSplitter(ReadOnlySpan<byte> packet)
    {
        _packet = packet;
        Count = 1;
        SegmentLength = packet.Length;
    }

    private SegmentSplitter(ReadOnlySpan<byte> packet, in VirtioNetHeader header)
        : this(packet) => (_checksumStart, _checksumOffset) = (header.ChecksumStart, header.ChecksumOffset);

    private SegmentSplitter(ReadOnlySpan<byte> packet, int transport, int headers, int gsoSize)
    {
        int payload = packet.Length - headers;
        _packet = packet;
        _transport = transport;
        _headers = headers;
        _gsoSize = gsoSize;
        Count = Math.Max(1, (payload + gsoSize - 1) / gsoSize);
        SegmentLength = headers + Math.Min(payload, gsoSize);
    }

    /// <summary>How many packets come out, at least 1.</summary>
    public int Count { get; }

    /// <summary>Bytes of each packet but the last, which may be shorter.</summary>
    public int SegmentLength { get; }

    /// <summary>Bytes of one packet.</summary>
    /// <param name="index">From 0 to <see cref="Count"/> - 1.</param>
    public int LengthOf(int index) => index < Count - 1 ? SegmentLength : _packet.Length - index * _gsoSize;

    /// <summary>Looks at a frame.</summary>
    /// <param name="header">What the device said about it.</param>
    /// <param name="packet">The packet; has to stay unchanged while the result is used.</param>
    /// <param name="splitter">The view, when the answer is true.</param>
    /// <returns>
    /// False when header and packet do not fit together, or cannot be cut: a GSO type other than TCP and UDP_L4 or for another
    /// protocol, IPv6 extension headers, fragments, sizes beyond the packet. Never throws, whatever the bytes.
    /// </returns>
    public static bool TryParse(in VirtioNetHeader header, ReadOnlySpan<byte> packet, out SegmentSplitter splitter)
    {
        splitter = default;
        bool partial = (header.Flags & VirtioNetHeader.NeedsChecksum) != 0;
        if (packet.IsEmpty || packet.Length > ushort.MaxValue)
        {
            return false;
        }

        if (header.GsoType == VirtioNetHeader.GsoNone)
        {
            if (!partial)
            {
                splitter = new SegmentSplitter(packet);
                return true;
            }

            if (!IsCompletable(header, packet))
            {
                return false;
            }

            splitter = new SegmentSplitter(packet, header);
            return true;
        }

        return partial && TryParseSuper(header, packet, out splitter);
    }

    /// <summary>Completes the checksum of a single packet in place, without a copy.</summary>
    /// <param name="header">What the device said about it.</param>
    /// <param name="packet">The packet.</param>
    /// <returns>False when it is a super-packet, or the header does not fit it; it is then unchanged. Never throws.</returns>
    public static bool TryComplete(in VirtioNetHeader header, Span<byte> packet)
    {
        if (header.GsoType != VirtioNetHeader.GsoNone)
        {
            return false;
        }

        if ((header.Flags & VirtioNetHeader.NeedsChecksum) == 0)
        {
            return true;
        }

        if (!IsCompletable(header, packet))
        {
            return false;
        }

        WriteCompleted(packet, header.ChecksumStart + header.ChecksumOffset, InternetChecksum.Add(packet[header.ChecksumStart..]));
        return true;
    }

    /// <summary>Writes packets, beginning with a given one, as long as there are slots.</summary>
    /// <param name="first">Index of the first, 0 to <see cref="Count"/> - 1.</param>
    /// <param name="output">The slots, one every <paramref name="stride"/> bytes; only whole slots are used.</param>
    /// <param name="stride">Bytes of a slot.</param>
    /// <param name="headroom">Bytes left free at a slot's start, before the packet.</param>
    /// <returns>How many were written; 0 when a packet does not fit into a slot, or there is none.</returns>
    public int Split(int first, Span<byte> output, int stride, int headroom)
    {
        if (headroom < 0 || stride - headroom < SegmentLength || (uint)first >= (uint)Count)
        {
            return 0;
        }

        int count = Math.Min(Count - first, output.Length / stride);
        if (count > 0 && _gsoSize == 0)
        {
            WriteSingle(output.Slice(headroom, _packet.Length));
        }
        else if (count > 0)
        {
            WriteSegments(first, count, output, stride, headroom);
        }

        return count;
    }

    private static bool IsCompletable(in VirtioNetHeader header, ReadOnlySpan<byte> packet)
    {
        int field = header.ChecksumStart + header.ChecksumOffset;
        return IpPacket.TryParse(packet, out IpPacket ip)
            && ip.TotalLength == packet.Length
            && !ip.IsFragmented
            && header.ChecksumStart >= (ip.Version == 4 ? ip.TransportOffset : IpPacket.HeaderV6)
            && (header.ChecksumOffset & 1) == 0
            && field + sizeof(ushort) <= packet.Length;
    }

    private static bool TryParseSuper(in VirtioNetHeader header, ReadOnlySpan<byte> packet, out SegmentSplitter splitter)
    {
        splitter = default;
        if (!IpPacket.TryParse(packet, out IpPacket ip)
            || ip.TotalLength != packet.Length
            || ip.IsFragmented
            || (ip.Version == 6 && ip.TransportOffset != IpPacket.HeaderV6)
            || header.GsoSize == 0
            || header.HeaderLength > packet.Length
            || header.ChecksumStart != ip.TransportOffset)
        {
            return false;
        }

        int transportHeader;
        switch (header.GsoType & ~VirtioNetHeader.GsoEcn)
        {
            case VirtioNetHeader.GsoTcpV4 or VirtioNetHeader.GsoTcpV6:
                bool matches = ip.Version == ((header.GsoType & ~VirtioNetHeader.GsoEcn) == VirtioNetHeader.GsoTcpV4 ? 4 : 6);
                if (!matches || ip.Protocol != IpProtocol.Tcp || header.ChecksumOffset != TcpChecksum || ip.Transport.Length < TcpHeader)
                {
                    return false;
                }

                transportHeader = (ip.Transport[12] >> 4) * 4;
                if (transportHeader < TcpHeader || transportHeader > ip.Transport.Length)
                {
                    return false;
                }

                break;
            case VirtioNetHeader.GsoUdp when header.GsoType == VirtioNetHeader.GsoUdp:
                if (ip.Protocol != IpProtocol.Udp || header.ChecksumOffset != UdpChecksum || ip.Transport.Length < UdpHeader)
                {
                    return false;
                }

                transportHeader = UdpHeader;
                break;
            default:
                return false;
        }

        splitter = new SegmentSplitter(packet, ip.TransportOffset, ip.TransportOffset + transportHeader, header.GsoSize);
        return true;
    }

    // The field holds the folded pseudo-header sum, so summing it with the rest gives the checksum of the whole.
    private static void WriteCompleted(Span<byte> packet, int field, ulong sum)
    {
        ushort checksum = InternetChecksum.Finish(sum);
        byte protocol = packet[0] >> 4 == 4 ? packet[9] : packet[6];
        BinaryPrimitives.WriteUInt16BigEndian(packet[field..], checksum == 0 && protocol == IpProtocol.Udp ? ushort.MaxValue : checksum);
    }

    private void WriteSingle(Span<byte> target)
    {
        if (_checksumStart == 0)
        {
            _packet.CopyTo(target);
            return;
        }

        _packet[.._checksumStart].CopyTo(target);
        ulong sum = InternetChecksum.CopyAndAdd(_packet[_checksumStart..], target[_checksumStart..]);
        WriteCompleted(target, _checksumStart + _checksumOffset, sum);
    }

    private void WriteSegments(int first, int count, Span<byte> output, int stride, int headroom)
    {
        // What all segments share is copied from here and summed once: everything but lengths, IPv4's identification and checksum, and the transport's sequence, flags and checksum.
        Span<byte> headers = stackalloc byte[MaxHeaders];
        headers = headers[.._headers];
        _packet[.._headers].CopyTo(headers);
        bool v4 = headers[0] >> 4 == 4;
        bool tcp = (v4 ? headers[9] : headers[6]) == IpProtocol.Tcp;
        Span<byte> transport = headers[_transport..];
        int field = tcp ? TcpChecksum : UdpChecksum;
        ushort identification = v4 ? BinaryPrimitives.ReadUInt16BigEndian(headers[4..]) : (ushort)0;
        uint sequence = 0;
        byte flags = 0;
        headers.Slice(v4 ? 2 : 4, v4 ? 4 : 2).Clear();
        transport.Slice(field, sizeof(ushort)).Clear();
        if (tcp)
        {
            sequence = BinaryPrimitives.ReadUInt32BigEndian(transport[4..]);
            flags = transport[13];
            transport.Slice(4, sizeof(uint)).Clear();
            transport[13] = 0;
        }
        else
        {
            transport.Slice(4, sizeof(ushort)).Clear();
        }

        if (v4)
        {
            headers.Slice(10, sizeof(ushort)).Clear();
        }

        ulong ipSum = v4 ? InternetChecksum.Add(headers[.._transport]) : 0;
        ulong shared = InternetChecksum.Add(transport, v4
            ? InternetChecksum.AddPseudoHeader(headers[12..16], headers[16..20], headers[9], 0)
            : InternetChecksum.AddPseudoHeader(headers[8..24], headers[24..40], headers[6], 0));
        for (int i = first; i < first + count; i++)
        {
            int length = LengthOf(i);
            Span<byte> segment = output.Slice((i - first) * stride + headroom, length);
            headers.CopyTo(segment);
            int upper = length - _transport;
            if (v4)
            {
                ushort id = (ushort)(identification + i);
                BinaryPrimitives.WriteUInt16BigEndian(segment[2..], (ushort)length);
                BinaryPrimitives.WriteUInt16BigEndian(segment[4..], id);
                BinaryPrimitives.WriteUInt16BigEndian(segment[10..], InternetChecksum.Finish(ipSum + (uint)length + id));
            }
            else
            {
                BinaryPrimitives.WriteUInt16BigEndian(segment[4..], (ushort)upper);
            }

            Span<byte> target = segment[_transport.._headers];
            ulong sum = shared + (uint)upper;
            if (tcp)
            {
                uint at = sequence + (uint)i * (uint)_gsoSize;
                byte own = (byte)(flags & ~((i == Count - 1 ? 0 : Fin | Psh) | (i == 0 ? 0 : Cwr)));
                BinaryPrimitives.WriteUInt32BigEndian(target[4..], at);
                target[13] = own;
                sum += (at >> 16) + (ushort)at + own;
            }
            else
            {
                BinaryPrimitives.WriteUInt16BigEndian(target[4..], (ushort)upper);
                sum += (uint)upper;
            }

            int start = _headers + i * _gsoSize;
            ushort checksum = InternetChecksum.Finish(InternetChecksum.CopyAndAdd(_packet.Slice(start, length - _headers), segment[_headers..], sum));
            BinaryPrimitives.WriteUInt16BigEndian(target[field..], checksum == 0 && !tcp ? ushort.MaxValue : checksum);
        }
    }
}
