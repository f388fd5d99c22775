using System.Net;

namespace TunnelMesh.Platform.Routes;

/// <summary>Prefixes of addresses.</summary>
internal static class Prefixes
{
    /// <summary>The prefix of a length that an address lies in.</summary>
    public static IPNetwork Of(IPAddress address, int length)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int count);
        for (int bit = length; bit < count * 8; bit++)
        {
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        }

        return new IPNetwork(new IPAddress(bytes[..count]), length);
    }

    /// <summary>False for what stays on the machine or the link, and for groups.</summary>
    public static bool IsUnicast(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int count);
        return !IPAddress.IsLoopback(address) && !address.IsIPv6LinkLocal && !address.IsIPv6Multicast && (count == 16 || bytes[0] < 224);
    }
}
