using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Platform.Sockets;

/// <summary>A UDP address as a value: 16 address bytes (IPv4 in its v4-mapped form, RFC 4291 section 2.5.5.2), port and scope; compares and hashes without allocation.</summary>
/// <param name="High">The first eight address bytes, as a big-endian number.</param>
/// <param name="Low">The last eight address bytes, as a big-endian number.</param>
/// <param name="Port">The port, in host byte order.</param>
/// <param name="Scope">The interface index of a link-local address; otherwise 0.</param>
public readonly record struct UdpEndpoint(ulong High, ulong Low, ushort Port, uint Scope)
{
    /// <summary>True for an IPv4 address.</summary>
    public bool IsIPv4 => High == 0 && Low >> 32 == 0xffff;

    /// <summary>True for the empty value, which is no endpoint.</summary>
    public bool IsNone => Port == 0;

    /// <summary>The IPv4 address as a number; meaningful when <see cref="IsIPv4"/>.</summary>
    public uint IPv4 => (uint)Low;

    /// <summary>Converts an endpoint; IPv4 and v4-mapped IPv6 addresses give the same value.</summary>
    /// <param name="endpoint">The endpoint.</param>
    public static UdpEndpoint From(IPEndPoint endpoint)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        Span<byte> bytes = stackalloc byte[16];
        IPAddress address = endpoint.Address;
        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            bytes[..10].Clear();
            bytes[10] = bytes[11] = 0xff;
            address.TryWriteBytes(bytes[12..], out _);
            return FromBytes(bytes, (ushort)endpoint.Port, 0);
        }

        address.TryWriteBytes(bytes, out _);
        return FromBytes(bytes, (ushort)endpoint.Port, (uint)address.ScopeId);
    }

    /// <summary>Makes a value of 16 address bytes.</summary>
    /// <param name="address">16 bytes in network order; IPv4 in v4-mapped form.</param>
    /// <param name="port">The port in host order.</param>
    /// <param name="scope">The interface index of a link-local address; otherwise 0.</param>
    public static UdpEndpoint FromBytes(ReadOnlySpan<byte> address, ushort port, uint scope) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(address), BinaryPrimitives.ReadUInt64BigEndian(address[8..]), port, scope);

    /// <summary>Makes a value of an IPv4 address.</summary>
    /// <param name="address">The address as a number, its first octet the highest.</param>
    /// <param name="port">The port in host order.</param>
    public static UdpEndpoint FromIPv4(uint address, ushort port) => new(0, 0xffff_0000_0000UL | address, port, 0);

    /// <summary>Writes the 16 address bytes in network order.</summary>
    /// <param name="destination">At least 16 bytes.</param>
    public void WriteAddress(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, High);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], Low);
    }

    /// <summary>Converts to the framework's type (allocates; not for the packet path). IPv4 comes out as IPv4.</summary>
    public IPEndPoint ToIPEndPoint()
    {
        Span<byte> bytes = stackalloc byte[16];
        WriteAddress(bytes);
        IPAddress address = IsIPv4 ? new IPAddress(bytes[12..]) : new IPAddress(bytes, Scope);
        return new IPEndPoint(address, Port);
    }

    /// <summary>As <c>192.0.2.1:51820</c> or <c>[2001:db8::1]:51820</c>.</summary>
    public override string ToString() => IsNone ? "none" : ToIPEndPoint().ToString();
}
