using System.Buffers.Binary;
using TunnelMesh.Protocol.Filter;
using TunnelMesh.Protocol.Packets;
using TunnelMesh.Tests.ProtocolFilter;

namespace TunnelMesh.Tests.NodeFilter;

/// <summary>A packet by what it means.</summary>
internal sealed record OraclePacket(string Peer, bool V6, PacketKind Kind, ushort LocalPort, ushort RemotePort, bool Syn = false, bool Ack = false, bool Fin = false, bool Rst = false)
{
    /// <summary>The part of a datagram that it is; null for a packet that is whole and says nothing about it.</summary>
    public OraclePart? Part { get; init; }

    public OracleHeaders Headers { get; init; }

    /// <summary>True of what nobody honest sends.</summary>
    public bool IsRefused => (V6 && Headers == OracleHeaders.RoutedOn) || (Kind == PacketKind.Tcp && Part is { Start: 0, Tiny: true });

    /// <summary>Number of the protocol.</summary>
    public byte Protocol => Kind switch
    {
        PacketKind.Tcp => IpProtocol.Tcp,
        PacketKind.Udp => IpProtocol.Udp,
        PacketKind.IcmpAlways or PacketKind.Icmp => V6 ? IpProtocol.IcmpV6 : IpProtocol.Icmp,
        _ => 47,
    };

    private byte Flags => (byte)((Syn ? FilterBytes.Syn : 0) | (Ack ? FilterBytes.Ack : 0) | (Fin ? FilterBytes.Fin : 0) | (Rst ? FilterBytes.Rst : 0));

    /// <summary>The bytes; peers differ in their addresses by the length of their names.</summary>
    public byte[] ToBytes(bool inbound)
    {
        string us = V6 ? "fd00::1" : "10.42.0.1", them = V6 ? $"fd00::{Peer.Length}" : $"10.42.0.{Peer.Length}";
        (string from, string to, int source, int destination) = inbound ? (them, us, RemotePort, LocalPort) : (us, them, LocalPort, RemotePort);
        byte[] upper = Kind switch
        {
            PacketKind.Tcp => FilterBytes.TcpHeader(source, destination, Flags),
            PacketKind.Udp => FilterBytes.UdpHeader(source, destination),
            PacketKind.IcmpAlways => [V6 ? (byte)128 : (byte)8, 0, 0, 0, 0, 1, 0, 1],
            PacketKind.Icmp => [V6 ? (byte)134 : (byte)13, 0, 0, 0, 0, 1, 0, 1],
            _ => new byte[20],
        };
        if (Part is not { } part)
        {
            return WithHeaders(FilterBytes.Ip(from, to, Protocol, upper));
        }

        byte[] bytes = new byte[part.Length];
        if (part.Start == 0)
        {
            upper.AsSpan(0, Math.Min(upper.Length, bytes.Length)).CopyTo(bytes);
        }

        return WithHeaders(FilterBytes.Fragment(from, to, Protocol, part.Id, part.Start, part.More, bytes));
    }

    // Before everything else, also before what says that this is a fragment.
    private byte[] WithHeaders(byte[] packet)
    {
        if (Headers == OracleHeaders.None)
        {
            return packet;
        }

        if (!V6)
        {
            byte[] longer = [.. packet[..20], 1, 1, 1, 0, .. packet[20..]];
            longer[0]++;
            BinaryPrimitives.WriteUInt16BigEndian(longer.AsSpan(2), (ushort)longer.Length);
            return longer;
        }

        byte[] header = [packet[6], 0, Headers == OracleHeaders.Options ? (byte)1 : (byte)0, Headers == OracleHeaders.Options ? (byte)4 : Headers == OracleHeaders.RoutedOn ? (byte)1 : (byte)0, 0, 0, 0, 0];
        byte[] wrapped = [.. packet[..40], .. header, .. packet[40..]];
        wrapped[6] = Headers == OracleHeaders.Options ? IpProtocol.DestinationOptions : IpProtocol.Routing;
        BinaryPrimitives.WriteUInt16BigEndian(wrapped.AsSpan(4), (ushort)(wrapped.Length - 40));
        return wrapped;
    }
}
