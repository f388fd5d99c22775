using System.Buffers.Binary;
using System.Net;
using TunnelMesh.Protocol.Packets;
using TunnelMesh.Tests.Packets;

namespace TunnelMesh.Tests.ProtocolFilter;

/// <summary>Packets as the filter meets them, of either family by their addresses.</summary>
internal static class FilterBytes
{
    public const byte Fin = 1, Syn = 2, Rst = 4, Ack = 16;

    public static byte[] Tcp(string source, string destination, int sourcePort, int destinationPort, byte flags, int data = 0) =>
        Ip(source, destination, IpProtocol.Tcp, TcpHeader(sourcePort, destinationPort, flags, data));

    public static byte[] Udp(string source, string destination, int sourcePort, int destinationPort, int data = 4) =>
        Ip(source, destination, IpProtocol.Udp, UdpHeader(sourcePort, destinationPort, data));

    public static byte[] Icmp(string source, string destination, byte type) =>
        Ip(source, destination, source.Contains(':', StringComparison.Ordinal) ? IpProtocol.IcmpV6 : IpProtocol.Icmp, [type, 0, 0, 0, 0, 1, 0, 1]);

    public static byte[] TcpHeader(int sourcePort, int destinationPort, byte flags, int data = 0)
    {
        byte[] header = new byte[20 + data];
        BinaryPrimitives.WriteUInt16BigEndian(header, (ushort)sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(2), (ushort)destinationPort);
        header[12] = 5 << 4;
        header[13] = flags;
        return header;
    }

    public static byte[] UdpHeader(int sourcePort, int destinationPort, int data = 4)
    {
        byte[] header = new byte[8 + data];
        BinaryPrimitives.WriteUInt16BigEndian(header, (ushort)sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(2), (ushort)destinationPort);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(4), (ushort)header.Length);
        return header;
    }

    public static byte[] Ip(string source, string destination, byte protocol, byte[] payload) => IPAddress.Parse(source).AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
        ? PacketBytes.V4(source, destination, protocol, payload)
        : PacketBytes.V6(source, destination, protocol, payload);

    /// <summary>A fragment: <paramref name="part"/> of a datagram's payload, from a multiple of 8 bytes on.</summary>
    public static byte[] Fragment(string source, string destination, byte protocol, uint id, int start, bool more, byte[] part)
    {
        if (source.Contains(':', StringComparison.Ordinal))
        {
            byte[] header = [protocol, 0, 0, 0, 0, 0, 0, 0];
            BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(2), (ushort)(start | (more ? 1 : 0)));
            BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(4), id);
            return PacketBytes.V6(source, destination, 44, [.. header, .. part]);
        }

        byte[] packet = PacketBytes.V4(source, destination, protocol, part, (start / 8) | (more ? 0x2000 : 0));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)id);
        return packet;
    }
}
