using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Routes;

/// <summary>Socket addresses of macOS as bytes, without a port: a length, a family, and what the family asks for (sys/socket.h, net/if_dl.h).</summary>
internal static class BsdSocketAddress
{
    /// <summary>Bytes of sockaddr_in, sockaddr_in6 and of a sockaddr_dl without a name.</summary>
    public const int InetBytes = 16, Inet6Bytes = 28, LinkBytes = 20;

    /// <summary>Bytes of an address's family.</summary>
    public static int BytesOf(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? Inet6Bytes : InetBytes;

    /// <summary>Writes an address.</summary>
    /// <returns>Bytes written.</returns>
    public static int Write(Span<byte> destination, IPAddress address)
    {
        int bytes = BytesOf(address);
        destination[..bytes].Clear();
        destination[0] = (byte)bytes;
        destination[1] = bytes == Inet6Bytes ? (byte)MacOSNative.AfInet6 : (byte)UnixNative.AfInet;
        address.TryWriteBytes(destination[(bytes == Inet6Bytes ? 8 : 4)..], out _);
        return bytes;
    }

    /// <summary>Writes the mask of a prefix.</summary>
    /// <returns>Bytes written.</returns>
    public static int WriteMask(Span<byte> destination, AddressFamily family, int prefixLength) =>
        Write(destination, Mask(family == AddressFamily.InterNetworkV6 ? 16 : 4, prefixLength));

    /// <summary>Writes the link-layer address of an interface, which stands for the interface itself.</summary>
    /// <returns>Bytes written.</returns>
    public static int WriteLink(Span<byte> destination, ushort index)
    {
        destination[..LinkBytes].Clear();
        destination[0] = LinkBytes;
        destination[1] = MacOSNative.AfLink;
        BinaryPrimitives.WriteUInt16LittleEndian(destination[2..], index);
        return LinkBytes;
    }

    private static IPAddress Mask(int bytes, int prefixLength)
    {
        Span<byte> mask = stackalloc byte[16];
        mask.Clear();
        for (int i = 0; i < prefixLength; i++)
        {
            mask[i / 8] |= (byte)(0x80 >> (i % 8));
        }

        return new IPAddress(mask[..bytes]);
    }
}
