using System.Buffers.Binary;
using System.Net;
using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Simulation.Peers;

/// <summary>Packets that travel inside the tunnels. Numbered ones can be told apart and checked to the last byte.</summary>
internal static class InnerPacket
{
    private const byte EchoRequest4 = 8, EchoRequest6 = 128, EchoReply6 = 129;

    /// <summary>A UDP packet that carries a number, and as much filling as its size asks for, made from the number.</summary>
    public static byte[] Numbered(IPAddress source, IPAddress destination, long number, int size, ushort sourcePort = 40000, ushort destinationPort = 9)
    {
        byte[] packet = Headers(source, destination, IpProtocol.Udp, size);
        Span<byte> udp = packet.AsSpan(HeaderBytes(packet));
        BinaryPrimitives.WriteUInt16BigEndian(udp, sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(udp[2..], destinationPort);
        BinaryPrimitives.WriteUInt16BigEndian(udp[4..], (ushort)udp.Length);
        BinaryPrimitives.WriteInt64BigEndian(udp[8..], number);
        Fill(udp[16..], number);
        return packet;
    }

    /// <summary>The number of a packet by <see cref="Numbered"/>, null for any other packet.</summary>
    /// <exception cref="InvalidDataException">It is not as it was sent.</exception>
    public static long? NumberOf(byte[] packet)
    {
        if (!IpPacket.TryParse(packet, out IpPacket parsed))
        {
            throw new InvalidDataException("What came out of the tunnel is no packet.");
        }

        if (parsed.Protocol != IpProtocol.Udp)
        {
            return null;
        }

        long number = BinaryPrimitives.ReadInt64BigEndian(parsed.Transport[8..]);
        byte[] sent = Numbered(new IPAddress(parsed.Source), new IPAddress(parsed.Destination), number, packet.Length,
            BinaryPrimitives.ReadUInt16BigEndian(parsed.Transport), BinaryPrimitives.ReadUInt16BigEndian(parsed.Transport[2..]));
        return sent.AsSpan().SequenceEqual(packet) ? number : throw new InvalidDataException($"Packet {number} came out changed.");
    }

    /// <summary>An echo request (RFC 792, RFC 4443).</summary>
    public static byte[] Ping(IPAddress source, IPAddress destination, ushort sequence)
    {
        bool v4 = source.GetAddressBytes().Length == 4;
        byte[] packet = Headers(source, destination, v4 ? IpProtocol.Icmp : IpProtocol.IcmpV6, (v4 ? 20 : 40) + 64);
        Span<byte> icmp = packet.AsSpan(HeaderBytes(packet));
        icmp[0] = v4 ? EchoRequest4 : EchoRequest6;
        BinaryPrimitives.WriteUInt16BigEndian(icmp[6..], sequence);
        Fill(icmp[8..], sequence);
        SetIcmpChecksum(packet);
        return packet;
    }

    /// <summary>The reply to an echo request; null to anything else.</summary>
    public static byte[]? TryMakePong(byte[] request)
    {
        if (!IpPacket.TryParse(request, out IpPacket parsed))
        {
            return null;
        }

        bool v4 = parsed is { Version: 4, Protocol: IpProtocol.Icmp } && parsed.Transport[0] == EchoRequest4;
        if (!v4 && !(parsed is { Version: 6, Protocol: IpProtocol.IcmpV6 } && parsed.Transport[0] == EchoRequest6))
        {
            return null;
        }

        byte[] reply = [.. request];
        int length = parsed.Source.Length;
        int source = v4 ? 12 : 8;
        parsed.Destination.CopyTo(reply.AsSpan(source));
        parsed.Source.CopyTo(reply.AsSpan(source + length));
        reply[parsed.TransportOffset] = v4 ? (byte)0 : EchoReply6;
        SetIcmpChecksum(reply);
        return reply;
    }

    /// <summary>The sequence number of an echo reply; null of anything else.</summary>
    public static ushort? PongOf(byte[] packet)
    {
        if (!IpPacket.TryParse(packet, out IpPacket parsed) || parsed.Transport.Length < 8)
        {
            return null;
        }

        bool pong = parsed.Protocol switch
        {
            IpProtocol.Icmp => parsed.Transport[0] == 0,
            IpProtocol.IcmpV6 => parsed.Transport[0] == EchoReply6,
            _ => false,
        };
        return pong ? BinaryPrimitives.ReadUInt16BigEndian(parsed.Transport[6..]) : null;
    }

    /// <summary>Type and code of an ICMP error with a right checksum, and the packet it quotes; null of anything else.</summary>
    public static (byte Type, byte Code, byte[] About)? ErrorOf(byte[] packet)
    {
        if (!IpPacket.TryParse(packet, out IpPacket parsed))
        {
            return null;
        }

        bool error = parsed.Protocol switch
        {
            IpProtocol.Icmp => parsed.Transport[0] == 3,
            IpProtocol.IcmpV6 => parsed.Transport[0] < 128,
            _ => false,
        };
        if (!error || IcmpSum(parsed) != 0)
        {
            return null;
        }

        return (parsed.Transport[0], parsed.Transport[1], parsed.Transport[8..].ToArray());
    }

    private static byte[] Headers(IPAddress source, IPAddress destination, byte protocol, int size)
    {
        byte[] packet = new byte[size];
        byte[] from = source.GetAddressBytes();
        if (from.Length == 4)
        {
            packet[0] = 0x45;
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)size);
            packet[8] = 64;
            packet[9] = protocol;
            from.CopyTo(packet, 12);
            destination.GetAddressBytes().CopyTo(packet, 16);
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), InternetChecksum.Compute(packet.AsSpan(0, 20)));
        }
        else
        {
            packet[0] = 0x60;
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)(size - 40));
            packet[6] = protocol;
            packet[7] = 64;
            from.CopyTo(packet, 8);
            destination.GetAddressBytes().CopyTo(packet, 24);
        }

        return packet;
    }

    private static int HeaderBytes(byte[] packet) => packet[0] >> 4 == 4 ? 20 : 40;

    private static void Fill(Span<byte> bytes, long number)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)((number * 31) + i);
        }
    }

    private static void SetIcmpChecksum(byte[] packet)
    {
        int offset = HeaderBytes(packet);
        packet.AsSpan(offset + 2, 2).Clear();
        if (IpPacket.TryParse(packet, out IpPacket parsed))
        {
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(offset + 2), IcmpSum(parsed));
        }
    }

    private static ushort IcmpSum(IpPacket packet)
    {
        ulong pseudo = packet.Version == 4 ? 0 : InternetChecksum.AddPseudoHeader(packet.Source, packet.Destination, IpProtocol.IcmpV6, packet.Transport.Length);
        return InternetChecksum.Finish(InternetChecksum.Add(packet.Transport, pseudo));
    }
}
