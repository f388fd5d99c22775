using System.Buffers.Binary;
using System.Net;

namespace TunnelMesh.SystemTests.WireGuard;

/// <summary>ICMP echo over IPv4, written by hand: the test must not lean on the code it tests.</summary>
internal static class Echo
{
    public static byte[] Request(string from, string to)
    {
        byte[] packet = new byte[48];
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
        packet[8] = 64;
        packet[9] = 1;
        IPAddress.Parse(from).TryWriteBytes(packet.AsSpan(12), out _);
        IPAddress.Parse(to).TryWriteBytes(packet.AsSpan(16), out _);
        packet[20] = 8;
        packet[27] = 1;
        Sum(packet);
        return packet;
    }

    public static bool IsRequest(ReadOnlySpan<byte> packet) => packet.Length >= 28 && packet[0] == 0x45 && packet[9] == 1 && packet[20] == 8;

    public static bool IsReply(ReadOnlySpan<byte> packet) => packet.Length >= 28 && packet[0] == 0x45 && packet[9] == 1 && packet[20] == 0;

    /// <summary>Turns a request into its reply; padding behind the packet is cut off.</summary>
    public static byte[] Answer(ReadOnlySpan<byte> request)
    {
        byte[] packet = request[..BinaryPrimitives.ReadUInt16BigEndian(request[2..])].ToArray();
        request[12..16].CopyTo(packet.AsSpan(16));
        request[16..20].CopyTo(packet.AsSpan(12));
        packet[20] = 0;
        Sum(packet);
        return packet;
    }

    private static void Sum(byte[] packet)
    {
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), 0);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), Checksum(packet.AsSpan(0, 20)));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(22), 0);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(22), Checksum(packet.AsSpan(20)));
    }

    private static ushort Checksum(ReadOnlySpan<byte> data)
    {
        uint sum = 0;
        for (int i = 0; i < data.Length; i += 2)
        {
            sum += (uint)(data[i] << 8 | (i + 1 < data.Length ? data[i + 1] : 0));
        }
        while (sum > 0xffff)
        {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        return (ushort)~sum;
    }
}
