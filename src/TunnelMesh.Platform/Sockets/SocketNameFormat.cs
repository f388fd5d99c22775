using System.Buffers.Binary;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Sockets;

/// <summary>
/// How a system lays out sockaddr_in and sockaddr_in6. Port, addresses and scope lie where they do everywhere; the number of IPv6
/// differs, and on BSD systems a byte of length comes before a byte of family.
/// </summary>
internal readonly unsafe struct SocketNameFormat(ushort inet6, bool lengthByte)
{
    /// <summary>Bytes that hold a name of either family.</summary>
    public const int Bytes = 28;

    private const int InetBytes = 16;

    public static readonly SocketNameFormat Linux = new(LinuxNative.AfInet6, lengthByte: false);
    public static readonly SocketNameFormat MacOS = new(MacOSNative.AfInet6, lengthByte: true);
    public static readonly SocketNameFormat Windows = new(WindowsNative.AfInet6, lengthByte: false);

    /// <summary>Reads a name as the system wrote it.</summary>
    /// <param name="name"><see cref="Bytes"/> bytes.</param>
    public UdpEndpoint Read(byte* name)
    {
        ushort port = BinaryPrimitives.ReadUInt16BigEndian(new ReadOnlySpan<byte>(name + 2, 2));
        return (lengthByte ? name[1] : *(ushort*)name) == UnixNative.AfInet
            ? UdpEndpoint.FromIPv4(BinaryPrimitives.ReadUInt32BigEndian(new ReadOnlySpan<byte>(name + 4, 4)), port)
            : UdpEndpoint.FromBytes(new ReadOnlySpan<byte>(name + 8, 16), port, *(uint*)(name + 24));
    }

    /// <summary>Writes a name for a socket of IPv6, which reaches IPv4 by mapped addresses, or of IPv4 alone.</summary>
    /// <param name="name"><see cref="Bytes"/> bytes.</param>
    /// <param name="endpoint">The address.</param>
    /// <param name="v6">The family of the socket.</param>
    /// <returns>The name's length; 0 when such a socket cannot reach the address.</returns>
    public uint Write(byte* name, in UdpEndpoint endpoint, bool v6)
    {
        new Span<byte>(name, Bytes).Clear();
        BinaryPrimitives.WriteUInt16BigEndian(new Span<byte>(name + 2, 2), endpoint.Port);
        WriteFamily(name, v6);
        if (v6)
        {
            endpoint.WriteAddress(new Span<byte>(name + 8, 16));
            *(uint*)(name + 24) = endpoint.Scope;
            return Bytes;
        }

        BinaryPrimitives.WriteUInt32BigEndian(new Span<byte>(name + 4, 4), endpoint.IPv4);
        return endpoint.IsIPv4 ? (uint)InetBytes : 0;
    }

    private void WriteFamily(byte* name, bool v6)
    {
        ushort family = v6 ? inet6 : (ushort)UnixNative.AfInet;
        if (lengthByte)
        {
            name[0] = (byte)(v6 ? Bytes : InetBytes);
            name[1] = (byte)family;
        }
        else
        {
            *(ushort*)name = family;
        }
    }
}
