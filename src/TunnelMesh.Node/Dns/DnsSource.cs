using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Node.Dns;

/// <summary>Where a query comes from: an address without its port. An IPv4 address is its number, in <see cref="Number"/>.</summary>
/// <param name="Number">The address.</param>
/// <param name="IsIPv4">Its family.</param>
public readonly record struct DnsSource(UInt128 Number, bool IsIPv4)
{
    /// <summary>Of an address.</summary>
    public static DnsSource Of(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        IPAddress plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return new DnsSource(DnsNode.Key(plain), plain.AddressFamily == AddressFamily.InterNetwork);
    }

    /// <summary>True for this machine talking to itself.</summary>
    public bool IsLoopback => IsIPv4 ? Number >> 24 == 127 : Number == 1;

    // sockaddr_in and sockaddr_in6: family 2, port 2, then the address, of IPv6 behind 4 bytes of flow.
    internal static bool TryRead(SocketAddress address, out DnsSource source)
    {
        ReadOnlySpan<byte> bytes = address.Buffer.Span[..address.Size];
        bool v4 = address.Family == AddressFamily.InterNetwork;
        source = default;
        if (bytes.Length < (v4 ? 8 : 24))
        {
            return false;
        }
        source = new DnsSource(v4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]) : BinaryPrimitives.ReadUInt128BigEndian(bytes[8..]), v4);
        return true;
    }

    /// <summary>The address as bytes, for cookies.</summary>
    /// <param name="bytes">Room for 16.</param>
    /// <returns>How many.</returns>
    internal int Write(Span<byte> bytes)
    {
        if (IsIPv4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)Number);
            return DnsNode.V4Size;
        }
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Number);
        return DnsNode.V6Size;
    }
}
