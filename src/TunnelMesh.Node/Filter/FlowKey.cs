using System.Buffers.Binary;
using TunnelMesh.Protocol.Filter;
using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Node.Filter;

/// <summary>A flow as this device sees it, the same for both directions.</summary>
/// <param name="Local">Address on this side; IPv4 as ::ffff:a.b.c.d.</param>
/// <param name="Remote">Address of the other side.</param>
/// <param name="Ports">Local port, then remote port.</param>
/// <param name="Protocol">TCP or UDP.</param>
internal readonly record struct FlowKey(UInt128 Local, UInt128 Remote, uint Ports, byte Protocol)
{
    /// <summary>The flow of a packet that came in.</summary>
    public static FlowKey OfInbound(in IpPacket packet, in PacketClass kind) =>
        new(Address(packet.Destination), Address(packet.Source), (uint)kind.DestinationPort << 16 | kind.SourcePort, kind.Protocol);

    /// <summary>The flow of a packet that goes out.</summary>
    public static FlowKey OfOutbound(in IpPacket packet, in PacketClass kind) =>
        new(Address(packet.Source), Address(packet.Destination), (uint)kind.SourcePort << 16 | kind.DestinationPort, kind.Protocol);

    /// <summary>Where the flow belongs in a table, by a secret that peers do not know: ports cannot be chosen so that flows fall on one place.</summary>
    public ulong Hash(in FlowSecret secret)
    {
        ulong remote = Fold((ulong)Remote ^ secret.A, (ulong)(Remote >> 64) ^ Ports ^ secret.B);
        return Fold(remote ^ (ulong)Local ^ secret.C, (ulong)(Local >> 64) ^ Protocol ^ secret.D);
    }

    /// <summary>Addresses of both families as one number.</summary>
    public static UInt128 Address(ReadOnlySpan<byte> address) => address.Length == 4
        ? new UInt128(0, 0x0000_FFFF_0000_0000UL | BinaryPrimitives.ReadUInt32BigEndian(address))
        : BinaryPrimitives.ReadUInt128BigEndian(address);

    private static ulong Fold(ulong a, ulong b)
    {
        ulong high = Math.BigMul(a, b, out ulong low);
        return high ^ low;
    }
}
