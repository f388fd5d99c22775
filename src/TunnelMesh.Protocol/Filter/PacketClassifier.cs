using System.Buffers.Binary;
using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Protocol.Filter;

/// <summary>
/// Tells the filter what a packet is. Any bytes; allocates nothing; any thread. A packet passes for TCP or UDP only with the whole header in it, so that
/// nothing is decided by what a later fragment may still change (RFC 1858, RFC 3128, RFC 7112).
/// </summary>
public static class PacketClassifier
{
    private const int TcpHeader = 20, UdpHeader = 8, IcmpHeader = 8;
    private const int MaxDatagram = ushort.MaxValue;

    /// <summary>Classifies a packet.</summary>
    /// <param name="packet">A packet whose IP headers have been read.</param>
    public static PacketClass Classify(in IpPacket packet)
    {
        // Nearly every packet: neither options and extension headers nor fragments.
        if (!packet.IsFragmented && (packet.Version == 4 || packet.TransportOffset == IpPacket.HeaderV6))
        {
            return Transport(packet, default);
        }

        return TryReadFragment(packet, out PacketClass fragment) ? Transport(packet, fragment) : Refused(packet);
    }

    private static PacketClass Refused(in IpPacket packet) => new() { Kind = PacketKind.Refused, Protocol = packet.Protocol };

    /// <summary>What the headers say about fragmentation; false when they are none that anybody honest would send.</summary>
    private static bool TryReadFragment(in IpPacket packet, out PacketClass fragment)
    {
        fragment = default;
        ReadOnlySpan<byte> bytes = packet.Bytes;
        uint id;
        int start, end;
        bool more;
        if (packet.Version == 4)
        {
            int field = BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]);
            (id, start, more) = (BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]), (field & 0x1FFF) * 8, (field & 0x2000) != 0);
            end = start + packet.Transport.Length;
        }
        else
        {
            // Behind the fixed header; read before, so every length holds.
            int at = IpPacket.HeaderV6, found = -1;
            for (byte next = bytes[6]; at < packet.TransportOffset;)
            {
                int header = at;
                if (next == IpProtocol.Routing && bytes[header + 3] != 0)
                {
                    // It wants to be sent on from here (RFC 5095).
                    return false;
                }

                if (next == IpProtocol.Fragment)
                {
                    if (found >= 0)
                    {
                        return false;
                    }

                    found = header;
                }

                at += IpPacket.LengthOfExtension(next, bytes[header + 1]);
                next = bytes[header];
            }

            if (found < 0 || !packet.IsFragmented)
            {
                return true;
            }

            int field = BinaryPrimitives.ReadUInt16BigEndian(bytes[(found + 2)..]);
            (id, start, more) = (BinaryPrimitives.ReadUInt32BigEndian(bytes[(found + 4)..]), field & 0xFFF8, (field & 1) != 0);
            end = start + bytes.Length - (found + 8);
        }

        // All but the last are multiples of 8 bytes, none is empty, and none reaches beyond the largest datagram (RFC 791, RFC 8200, section 4.5).
        if (end > MaxDatagram || end == start || (more && (end & 7) != 0))
        {
            return false;
        }

        fragment = new PacketClass { Kind = PacketKind.Other, HasFollowers = start == 0 && more, IsLastFragment = !more, FragmentId = id, FragmentStart = start, FragmentEnd = end };
        return true;
    }

    private static PacketClass Transport(in IpPacket packet, in PacketClass fragment)
    {
        PacketClass result = fragment with { Kind = PacketKind.Other, Protocol = packet.Protocol };
        if (!packet.IsFirstFragment)
        {
            return result with { Kind = PacketKind.LaterFragment };
        }

        ReadOnlySpan<byte> transport = packet.Transport;
        switch (packet.Protocol)
        {
            case IpProtocol.Tcp when transport.Length >= TcpHeader && (transport[12] >> 4) * 4 is var header && header >= TcpHeader && header <= transport.Length:
                return result with
                {
                    Kind = PacketKind.Tcp,
                    SourcePort = BinaryPrimitives.ReadUInt16BigEndian(transport),
                    DestinationPort = BinaryPrimitives.ReadUInt16BigEndian(transport[2..]),
                    TcpFlags = transport[13],
                };
            case IpProtocol.Udp when transport.Length >= UdpHeader:
                return result with
                {
                    Kind = PacketKind.Udp,
                    SourcePort = BinaryPrimitives.ReadUInt16BigEndian(transport),
                    DestinationPort = BinaryPrimitives.ReadUInt16BigEndian(transport[2..]),
                };
            case IpProtocol.Icmp when packet.Version == 4 && transport.Length >= IcmpHeader:
                // Echo reply, echo; unreachable, time exceeded, parameter problem. A redirect is an error by name only: it changes routes (RFC 792, RFC 1122, section 3.2.2).
                return result with { Kind = transport[0] is 0 or 8 or 3 or 11 or 12 ? PacketKind.IcmpAlways : PacketKind.Icmp };
            case IpProtocol.IcmpV6 when packet.Version == 6 && transport.Length >= IcmpHeader:
                // Unreachable, too big, time exceeded, parameter problem; echo, echo reply (RFC 4443).
                return result with { Kind = transport[0] is (>= 1 and <= 4) or 128 or 129 ? PacketKind.IcmpAlways : PacketKind.Icmp };
            case IpProtocol.Tcp or IpProtocol.Udp:
            case IpProtocol.Icmp when packet.Version == 4:
            case IpProtocol.IcmpV6 when packet.Version == 6:
                return result with { Kind = PacketKind.Refused };
            default:
                return result;
        }
    }
}
