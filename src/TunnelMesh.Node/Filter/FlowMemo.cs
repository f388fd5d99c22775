using System.Runtime.CompilerServices;
using TunnelMesh.Protocol.Filter;
using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Node.Filter;

/// <summary>
/// Remembers one flow, so that the packets of a train cost one decision. Only packets that change nothing about it are recognised: whole ones without options or extension headers, and of
/// TCP neither SYN nor FIN nor RST. One thread.
/// </summary>
internal struct FlowMemo
{
    // Addresses and ports lie side by side in both versions.
    private const int FlowV4 = 12, FlowV6 = 36, AddressesV4 = 12, AddressesV6 = 8;
    private const int TcpHeader = 20, UdpHeader = 8;

    private Flow _flow;
    private int _length;
    private byte _protocol;

    /// <summary>Forgets.</summary>
    public void Clear() => _length = 0;

    /// <summary>True when a packet is a plain one of the flow.</summary>
    public readonly bool Is(in IpPacket packet)
    {
        if (_length == 0 || packet.Protocol != _protocol || !IsPlain(packet))
        {
            return false;
        }

        ReadOnlySpan<byte> known = _flow;
        ReadOnlySpan<byte> flow = FlowOf(packet);
        return flow.Length == _length && flow.SequenceEqual(known[..flow.Length]);
    }

    /// <summary>Remembers the flow of a plain packet; forgets at any other.</summary>
    public void Set(in IpPacket packet)
    {
        if (!IsPlain(packet))
        {
            _length = 0;
            return;
        }

        ReadOnlySpan<byte> flow = FlowOf(packet);
        flow.CopyTo(_flow);
        (_length, _protocol) = (flow.Length, packet.Protocol);
    }

    private static ReadOnlySpan<byte> FlowOf(in IpPacket packet) => packet.Version == 4 ? packet.Bytes.Slice(AddressesV4, FlowV4) : packet.Bytes.Slice(AddressesV6, FlowV6);

    private static bool IsPlain(in IpPacket packet)
    {
        if (packet.IsFragmented || packet.TransportOffset != (packet.Version == 4 ? IpPacket.MinHeaderV4 : IpPacket.HeaderV6))
        {
            return false;
        }

        ReadOnlySpan<byte> transport = packet.Transport;
        return packet.Protocol switch
        {
            IpProtocol.Udp => transport.Length >= UdpHeader,
            IpProtocol.Tcp => transport.Length >= TcpHeader && (transport[12] >> 4) * 4 is var header && header >= TcpHeader && header <= transport.Length
                && (transport[13] & (PacketClass.Syn | PacketClass.Fin | PacketClass.Rst)) == 0,
            _ => false,
        };
    }

    [InlineArray(FlowV6)]
    private struct Flow
    {
        private byte _first;
    }
}
