using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Protocol.Stun;

/// <summary>A transport address as STUN tells it: 16 address bytes (IPv4 in its v4-mapped form) and a port; compares without allocation.</summary>
/// <param name="High">The first eight address bytes, as a big-endian number.</param>
/// <param name="Low">The last eight address bytes, as a big-endian number.</param>
/// <param name="Port">The port, in host byte order.</param>
public readonly record struct StunAddress(ulong High, ulong Low, ushort Port)
{
    /// <summary>True for an IPv4 address.</summary>
    public bool IsIPv4 => High == 0 && Low >> 32 == 0xffff;

    /// <summary>Converts an endpoint; the scope of a link-local address is lost.</summary>
    /// <param name="endpoint">The endpoint.</param>
    public static StunAddress From(IPEndPoint endpoint)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        Span<byte> bytes = stackalloc byte[16];
        if (endpoint.AddressFamily == AddressFamily.InterNetwork)
        {
            endpoint.Address.TryWriteBytes(bytes, out _);
            return FromIPv4(BinaryPrimitives.ReadUInt32BigEndian(bytes), (ushort)endpoint.Port);
        }

        endpoint.Address.TryWriteBytes(bytes, out _);
        return FromIPv6(bytes, (ushort)endpoint.Port);
    }

    /// <summary>Makes a value of an IPv4 address.</summary>
    /// <param name="address">The address as a number, its first octet the highest.</param>
    /// <param name="port">The port in host order.</param>
    public static StunAddress FromIPv4(uint address, ushort port) => new(0, 0xffff_0000_0000UL | address, port);

    /// <summary>Makes a value of 16 address bytes.</summary>
    /// <param name="address">At least 16 bytes in network order.</param>
    /// <param name="port">The port in host order.</param>
    public static StunAddress FromIPv6(ReadOnlySpan<byte> address, ushort port) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(address), BinaryPrimitives.ReadUInt64BigEndian(address[8..]), port);

    /// <summary>Converts to the framework's type; allocates.</summary>
    public IPEndPoint ToIPEndPoint()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, High);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], Low);
        return new IPEndPoint(new IPAddress(IsIPv4 ? bytes[12..] : bytes), Port);
    }

    /// <summary>As <c>192.0.2.1:3478</c> or <c>[2001:db8::1]:3478</c>.</summary>
    public override string ToString() => ToIPEndPoint().ToString();
}
