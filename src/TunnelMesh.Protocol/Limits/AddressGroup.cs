using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Protocol.Limits;

/// <summary>Whom limits by address count as one. Pure.</summary>
public static class AddressGroup
{
    /// <summary>The IPv4 address itself; of an IPv6 address its /64, of which every customer has at least one whole.</summary>
    public static IPAddress Of(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address;
        }
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        return new IPAddress(bytes);
    }
}
