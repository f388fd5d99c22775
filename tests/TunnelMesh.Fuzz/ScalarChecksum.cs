using System.Buffers.Binary;

namespace TunnelMesh.Fuzz;

/// <summary>The Internet checksum, word by word as RFC 1071 section 4.1 writes it: what the fast one is held against.</summary>
public static class ScalarChecksum
{
    /// <summary>Adds bytes to an unfinished sum; every piece but the last has an even length.</summary>
    public static ulong Add(ReadOnlySpan<byte> data, ulong sum = 0)
    {
        while (data.Length >= 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(data);
            data = data[2..];
        }
        return data.Length == 1 ? sum + ((ulong)data[0] << 8) : sum;
    }

    /// <summary>Folds and complements.</summary>
    public static ushort Finish(ulong sum)
    {
        while (sum >> 16 != 0)
        {
            sum = (sum & 0xFFFF) + (sum >> 16);
        }
        return (ushort)~sum;
    }

    /// <summary>True when the transport checksum of a TCP or UDP packet without extension headers, and the IPv4 header's, are right.</summary>
    public static bool IsRight(ReadOnlySpan<byte> packet)
    {
        bool v4 = packet[0] >> 4 == 4;
        int transport = v4 ? (packet[0] & 15) * 4 : 40;
        ulong sum = Add(v4 ? packet[12..20] : packet[8..40]) + (v4 ? packet[9] : packet[6]) + (uint)(packet.Length - transport);
        return (!v4 || Finish(Add(packet[..transport])) == 0) && Finish(Add(packet[transport..], sum)) == 0;
    }
}
