using TunnelMesh.Protocol.Filter;
using TunnelMesh.Tests.ProtocolFilter;

namespace TunnelMesh.Tests.NodeFilter;

/// <summary>A packet by what it means.</summary>
internal sealed record OraclePacket(string Peer, bool V6, PacketKind Kind, ushort LocalPort, ushort RemotePort, bool Syn = false, bool Ack = false, bool Fin = false, bool Rst = false)
{
    private byte Flags => (byte)((Syn ? FilterBytes.Syn : 0) | (Ack ? FilterBytes.Ack : 0) | (Fin ? FilterBytes.Fin : 0) | (Rst ? FilterBytes.Rst : 0));

    /// <summary>The bytes; peers differ in their addresses by the length of their names.</summary>
    public byte[] ToBytes(bool inbound)
    {
        string us = V6 ? "fd00::1" : "10.42.0.1", them = V6 ? $"fd00::{Peer.Length}" : $"10.42.0.{Peer.Length}";
        (string from, string to, int source, int destination) = inbound ? (them, us, RemotePort, LocalPort) : (us, them, LocalPort, RemotePort);
        return Kind switch
        {
            PacketKind.Tcp => FilterBytes.Tcp(from, to, source, destination, Flags),
            PacketKind.Udp => FilterBytes.Udp(from, to, source, destination),
            PacketKind.IcmpAlways => FilterBytes.Icmp(from, to, V6 ? (byte)128 : (byte)8),
            PacketKind.Icmp => FilterBytes.Icmp(from, to, V6 ? (byte)134 : (byte)13),
            _ => FilterBytes.Ip(from, to, 47, new byte[20]),
        };
    }
}
