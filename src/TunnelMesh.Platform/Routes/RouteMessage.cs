using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Routes;

/// <summary>
/// Messages of macOS's routing socket as bytes (net/route.h): a header of 92 bytes, then the socket addresses that its bit mask names,
/// lowest bit first, each padded to four bytes. Numbers are in the machine's byte order, which is little-endian on all of its machines.
/// </summary>
internal static class RouteMessage
{
    private const int HeaderBytes = 92;
    private const byte Version = 5, TypeAdd = 1, TypeDelete = 2, TypeGet = 4;
    private const int AtType = 3, AtIndex = 4, AtFlags = 8, AtAddresses = 12, AtSequence = 20;
    private const int FlagUp = 1, FlagGateway = 2, FlagHost = 4, FlagReject = 8, FlagStatic = 0x800;

    // RTF_IFSCOPE: counts for sockets of that interface only.
    private const int FlagScoped = 0x1000000;

    // What leads nowhere, and what the system made by itself for single neighbours, itself, broadcast and multicast.
    private const int FlagsPassedOver = 0x8 | 0x1000 | 0x400 | 0x20000 | 0x200000 | 0x400000 | 0x800000;

    /// <summary>RTM_ADD: a prefix leads into an interface.</summary>
    public static byte[] Add(IPNetwork prefix, ushort index, int sequence) => IntoInterface(TypeAdd, prefix, index, sequence);

    /// <summary>RTM_DELETE: it does so no more.</summary>
    public static byte[] Delete(IPNetwork prefix, ushort index, int sequence) => IntoInterface(TypeDelete, prefix, index, sequence);

    /// <summary>RTM_ADD: a prefix leads nowhere, and programs are told so at once.</summary>
    public static byte[] AddReject(IPNetwork prefix, int sequence) => Nowhere(TypeAdd, prefix, sequence);

    /// <summary>RTM_DELETE of <see cref="AddReject"/>.</summary>
    public static byte[] DeleteReject(IPNetwork prefix, int sequence) => Nowhere(TypeDelete, prefix, sequence);

    /// <summary>Reads the routing table as sysctl gives it (NET_RT_DUMP): prefixes of the unicast Internet that lead into an interface.</summary>
    /// <param name="table">Messages, one behind the other; what is cut short or not understood is passed over.</param>
    /// <param name="nameOf">The name of an interface, or null when it is gone.</param>
    public static IReadOnlyList<LocalRoute> ReadTable(ReadOnlySpan<byte> table, Func<int, string?> nameOf)
    {
        var routes = new List<LocalRoute>();
        while (table.Length >= HeaderBytes)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(table);
            if (length < HeaderBytes || length > table.Length)
            {
                break;
            }

            if (table[2] == Version && table[AtType] == TypeGet && ReadPrefix(table[..length]) is { } prefix
                && nameOf(BinaryPrimitives.ReadUInt16LittleEndian(table[AtIndex..])) is { } name)
            {
                routes.Add(new LocalRoute(prefix, name));
            }

            table = table[length..];
        }

        return routes;
    }

    /// <summary>The interfaces by which the internet is reached: of the routes for everything, those that count for every socket.</summary>
    /// <param name="table">As for <see cref="ReadTable"/>.</param>
    /// <returns>Their indexes; 0 for a family that has none.</returns>
    public static (int V4, int V6) ReadDefaults(ReadOnlySpan<byte> table)
    {
        int v4 = 0, v6 = 0;
        while (table.Length >= HeaderBytes)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(table);
            if (length < HeaderBytes || length > table.Length)
            {
                break;
            }

            if (table[2] == Version && table[AtType] == TypeGet && (BinaryPrimitives.ReadInt32LittleEndian(table[AtFlags..]) & FlagScoped) == 0
                && ReadPrefix(table[..length]) is { PrefixLength: 0 } prefix)
            {
                ref int way = ref prefix.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6 ? ref v6 : ref v4;
                way = way != 0 ? way : BinaryPrimitives.ReadUInt16LittleEndian(table[AtIndex..]);
            }

            table = table[length..];
        }

        return (v4, v6);
    }

    private static byte[] IntoInterface(byte type, IPNetwork prefix, ushort index, int sequence)
    {
        Span<byte> link = stackalloc byte[BsdSocketAddress.LinkBytes];
        BsdSocketAddress.WriteLink(link, index);
        return Write(type, prefix, link, index, 0, sequence);
    }

    private static byte[] Nowhere(byte type, IPNetwork prefix, int sequence)
    {
        bool v6 = prefix.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6;
        Span<byte> gateway = stackalloc byte[BsdSocketAddress.Inet6Bytes];
        int bytes = BsdSocketAddress.Write(gateway, v6 ? IPAddress.IPv6Loopback : IPAddress.Loopback);
        return Write(type, prefix, gateway[..bytes], 0, FlagGateway | FlagReject, sequence);
    }

    private static byte[] Write(byte type, IPNetwork prefix, ReadOnlySpan<byte> gateway, ushort index, int flags, int sequence)
    {
        AddressFamily family = prefix.BaseAddress.AddressFamily;
        bool host = prefix.PrefixLength == (family == AddressFamily.InterNetworkV6 ? 128 : 32);
        byte[] message = new byte[HeaderBytes + 3 * BsdSocketAddress.Inet6Bytes];
        int at = HeaderBytes;
        at += BsdSocketAddress.Write(message.AsSpan(at), prefix.BaseAddress);
        gateway.CopyTo(message.AsSpan(at));
        at += gateway.Length;
        if (!host)
        {
            at += BsdSocketAddress.WriteMask(message.AsSpan(at), family, prefix.PrefixLength);
        }

        BinaryPrimitives.WriteUInt16LittleEndian(message, (ushort)at);
        message[2] = Version;
        message[AtType] = type;
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(AtIndex), index);
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(AtFlags), FlagUp | FlagStatic | flags | (host ? FlagHost : 0));
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(AtAddresses), host ? 3 : 7);
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(AtSequence), sequence);
        return message[..at];
    }

    private static IPNetwork? ReadPrefix(ReadOnlySpan<byte> message)
    {
        int flags = BinaryPrimitives.ReadInt32LittleEndian(message[AtFlags..]), addresses = BinaryPrimitives.ReadInt32LittleEndian(message[AtAddresses..]);
        if ((flags & FlagUp) == 0 || (flags & FlagsPassedOver) != 0 || (addresses & 1) == 0)
        {
            return null;
        }

        ReadOnlySpan<byte> rest = message[HeaderBytes..], destination = Take(ref rest);
        if ((addresses & 2) != 0)
        {
            Take(ref rest);
        }

        ReadOnlySpan<byte> mask = (addresses & 4) != 0 ? Take(ref rest) : default;
        bool v6 = destination.Length > 1 && destination[1] == MacOSNative.AfInet6;
        if (destination.Length < (v6 ? 24 : 8) || (!v6 && destination[1] != UnixNative.AfInet))
        {
            return null;
        }

        int at = v6 ? 8 : 4, bytes = v6 ? 16 : 4;
        var address = new IPAddress(destination.Slice(at, bytes));
        int prefixLength = (flags & FlagHost) != 0 ? bytes * 8 : PrefixLength(mask, at, bytes);
        return Prefixes.IsUnicast(address) ? Prefixes.Of(address, prefixLength) : null;
    }

    // A length of zero still takes four bytes: that is how a mask of no bits is written.
    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> rest)
    {
        if (rest.IsEmpty)
        {
            return default;
        }

        int length = Math.Min(rest[0], rest.Length);
        ReadOnlySpan<byte> taken = rest[..length];
        rest = rest[Math.Min(rest.Length, length == 0 ? 4 : (length + 3) & ~3)..];
        return taken;
    }

    // The system leaves trailing zero bytes of a mask out, so what is missing is zero.
    private static int PrefixLength(ReadOnlySpan<byte> mask, int at, int bytes)
    {
        int length = 0;
        for (int i = at; i < Math.Min(mask.Length, at + bytes); i++)
        {
            length += System.Numerics.BitOperations.PopCount(mask[i]);
        }

        return length;
    }
}
