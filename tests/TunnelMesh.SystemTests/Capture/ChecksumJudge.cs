using System.Buffers.Binary;

namespace TunnelMesh.SystemTests.Capture;

/// <summary>Sums word by word (RFC 1071), without the code that made the checksums.</summary>
internal static class ChecksumJudge
{
    private const int Icmp = 1, Tcp = 6, Udp = 17, Icmp6 = 58;

    public static ChecksumVerdict Judge(CapturedPacket captured)
    {
        ReadOnlySpan<byte> packet = captured.Bytes;
        if (packet.Length < 20)
        {
            return ChecksumVerdict.Wrong;
        }

        bool v4 = packet[0] >> 4 == 4;
        int header = v4 ? (packet[0] & 15) * 4 : 40, protocol = packet[v4 ? 9 : 6];
        int total = v4 ? BinaryPrimitives.ReadUInt16BigEndian(packet[2..]) : packet.Length < 40 ? -1 : 40 + BinaryPrimitives.ReadUInt16BigEndian(packet[4..]);
        if (total != packet.Length || header > packet.Length || (v4 && Sum(packet[..header]) != 0xFFFF))
        {
            return ChecksumVerdict.Wrong;
        }

        int field = FieldInTransport(protocol);
        if (field < 0 || (v4 && (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x3FFF) != 0))
        {
            return ChecksumVerdict.None;
        }

        ReadOnlySpan<byte> transport = packet[header..], addresses = v4 ? packet[12..20] : packet[8..40];
        if (transport.Length < field + 2 || (protocol == Udp && BinaryPrimitives.ReadUInt16BigEndian(transport[6..]) == 0))
        {
            return ChecksumVerdict.Wrong;
        }

        uint pseudo = protocol == Icmp ? 0 : Sum(addresses) + (uint)protocol + (uint)transport.Length;
        if (captured.Partial)
        {
            return Fold(pseudo) == BinaryPrimitives.ReadUInt16BigEndian(transport[field..]) ? ChecksumVerdict.RightPartial : ChecksumVerdict.Wrong;
        }

        return Fold(pseudo + Sum(transport)) == 0xFFFF ? ChecksumVerdict.Right : ChecksumVerdict.Wrong;
    }

    /// <summary>Where the first byte of the transport's checksum is in a whole packet of TCP, UDP or ICMP.</summary>
    public static int FieldOf(ReadOnlySpan<byte> packet) =>
        packet[0] >> 4 == 4 ? (packet[0] & 15) * 4 + FieldInTransport(packet[9]) : 40 + FieldInTransport(packet[6]);

    private static int FieldInTransport(int protocol) => protocol switch { Tcp => 16, Udp => 6, Icmp or Icmp6 => 2, _ => -1 };

    private static uint Sum(ReadOnlySpan<byte> bytes)
    {
        ulong sum = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            sum += (ulong)bytes[i] << (i % 2 == 0 ? 8 : 0);
        }

        return Fold(sum);
    }

    private static uint Fold(ulong sum)
    {
        while (sum >> 16 != 0)
        {
            sum = (sum & 0xFFFF) + (sum >> 16);
        }

        return (uint)sum;
    }
}
