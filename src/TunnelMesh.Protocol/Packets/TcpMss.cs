using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Packets;

/// <summary>Lowers the maximum segment size that a TCP connection announces at its start (RFC 9293, section 3.7.1), for a way that carries less than the interface says. Allocates nothing; any thread.</summary>
public static class TcpMss
{
    private const int TcpHeader = 20, Syn = 2;
    private const byte EndOfOptions = 0, NoOperation = 1, MaximumSegmentSize = 2;

    /// <summary>Lowers the option of a SYN, and corrects the checksum (RFC 1624).</summary>
    /// <param name="packet">A whole IPv4 or IPv6 packet with complete checksums, any bytes; changed in place.</param>
    /// <param name="mtu">The largest packet in bytes that goes through.</param>
    /// <returns>True when something was changed.</returns>
    public static bool TryClamp(Span<byte> packet, int mtu)
    {
        if (!IpPacket.TryParse(packet, out IpPacket ip) || ip.Protocol != IpProtocol.Tcp || ip.IsFragmented || ip.Transport.Length < TcpHeader || (ip.Transport[13] & Syn) == 0)
        {
            return false;
        }

        int most = Math.Clamp(mtu - (ip.Version == 4 ? IpPacket.MinHeaderV4 : IpPacket.HeaderV6) - TcpHeader, 1, ushort.MaxValue);
        Span<byte> tcp = packet[ip.TransportOffset..ip.TotalLength];
        int end = Math.Min(tcp.Length, (tcp[12] >> 4) * 4);
        for (int at = TcpHeader; at + 1 < end && tcp[at] != EndOfOptions;)
        {
            if (tcp[at] == NoOperation)
            {
                at++;
                continue;
            }

            int length = tcp[at + 1];
            if (length < 2 || at + length > end)
            {
                return false;
            }

            if (tcp[at] == MaximumSegmentSize && length == 4)
            {
                return Lower(tcp, at + 2, most);
            }

            at += length;
        }

        return false;
    }

    private static bool Lower(Span<byte> tcp, int at, int most)
    {
        ushort before = BinaryPrimitives.ReadUInt16BigEndian(tcp[at..]);
        if (before <= most)
        {
            return false;
        }

        // The sum is over words at even offsets; an option may lie at an odd one.
        int word = at & ~1, bytes = at == word ? 2 : 4;
        uint sum = (ushort)~BinaryPrimitives.ReadUInt16BigEndian(tcp[16..]);
        for (int i = word; i < word + bytes; i += 2)
        {
            sum += (ushort)~BinaryPrimitives.ReadUInt16BigEndian(tcp[i..]);
        }

        BinaryPrimitives.WriteUInt16BigEndian(tcp[at..], (ushort)most);
        for (int i = word; i < word + bytes; i += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(tcp[i..]);
        }

        while (sum >> 16 != 0)
        {
            sum = (sum & 0xffff) + (sum >> 16);
        }

        BinaryPrimitives.WriteUInt16BigEndian(tcp[16..], (ushort)~sum);
        return true;
    }
}
