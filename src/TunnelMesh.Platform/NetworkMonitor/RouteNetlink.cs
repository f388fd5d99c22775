using System.Buffers.Binary;
using System.Net;
using System.Text;
using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.Routes;

namespace TunnelMesh.Platform.NetworkMonitor;

/// <summary>Reads rtnetlink messages about links, addresses and routes (rtnetlink(7)). Pure; what is cut short is passed over.</summary>
internal static class RouteNetlink
{
    public const ushort Done = 3, Error = 2;
    public const ushort NewLink = 16, DelLink = 17, GetLink = 18, NewAddress = 20, DelAddress = 21, GetAddress = 22, NewRoute = 24, DelRoute = 25, GetRoute = 26;

    // IFF_UP, IFF_LOOPBACK, IFF_RUNNING.
    private const uint Up = 1, Loopback = 8, Running = 0x40;

    // IFA_F_TENTATIVE and IFA_F_DADFAILED: not usable yet, or never.
    private const uint Unusable = 0x40 | 0x08;

    /// <summary>True when a notice may mean another <see cref="NetworkState"/>: of routes, only those without a prefix do.</summary>
    public static bool Concerns(ReadOnlySpan<byte> received)
    {
        NetlinkBytes messages = new(received);
        while (messages.TryReadMessage(out ushort type, out _, out ReadOnlySpan<byte> body))
        {
            if (type is NewLink or DelLink or NewAddress or DelAddress || (type is NewRoute or DelRoute && body.Length > 1 && body[1] == 0))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>True when a notice is about one interface: itself, its addresses, or that a route into it is gone.</summary>
    public static bool Concerns(ReadOnlySpan<byte> received, uint index)
    {
        NetlinkBytes messages = new(received);
        while (messages.TryReadMessage(out ushort type, out _, out ReadOnlySpan<byte> body))
        {
            // ifinfomsg and ifaddrmsg have the index in the same place.
            bool named = type is NewLink or DelLink or NewAddress or DelAddress && body.Length >= 8 && BinaryPrimitives.ReadUInt32LittleEndian(body[4..]) == index;
            if (named || (type == DelRoute && body.Length > 0 && ReadPrefix(body, body[0], index) is not null))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A link, whether it works or not: ifinfomsg as below, then attributes.</summary>
    /// <returns>False for one without a name or MTU.</returns>
    public static bool TryReadLink(ReadOnlySpan<byte> body, out string name, out bool up, out int mtu)
    {
        (name, up, mtu) = ("", false, 0);
        if (body.Length < 16)
        {
            return false;
        }

        up = (BinaryPrimitives.ReadUInt32LittleEndian(body[8..]) & Up) != 0;
        NetlinkBytes attributes = new(body[16..]);
        while (attributes.TryReadAttribute(out ushort type, out ReadOnlySpan<byte> value))
        {
            switch (type)
            {
                // IFLA_IFNAME, IFLA_MTU.
                case 3:
                    name = Encoding.UTF8.GetString(value.TrimEnd((byte)0));
                    break;
                case 4 when value.Length == 4:
                    mtu = BinaryPrimitives.ReadInt32LittleEndian(value);
                    break;
            }
        }

        return name.Length > 0 && mtu > 0;
    }

    /// <summary>A link: ifinfomsg (family, pad, type 2, index 4, flags 4, change 4), then attributes.</summary>
    /// <returns>False for one that does not work, and for loopback.</returns>
    public static bool TryReadLink(ReadOnlySpan<byte> body, out int index, out string name)
    {
        (index, name) = (0, "");
        if (body.Length < 16 || (BinaryPrimitives.ReadUInt32LittleEndian(body[8..]) & (Up | Running | Loopback)) != (Up | Running))
        {
            return false;
        }

        index = BinaryPrimitives.ReadInt32LittleEndian(body[4..]);
        NetlinkBytes attributes = new(body[16..]);
        while (attributes.TryReadAttribute(out ushort type, out ReadOnlySpan<byte> value))
        {
            // IFLA_IFNAME.
            if (type == 3)
            {
                name = Encoding.UTF8.GetString(value.TrimEnd((byte)0));
                return name.Length > 0;
            }
        }

        return false;
    }

    /// <summary>An address: ifaddrmsg (family, prefix length, flags, scope, index 4), then attributes.</summary>
    /// <returns>False for one that cannot be used.</returns>
    public static bool TryReadAddress(ReadOnlySpan<byte> body, out int index, out IPAddress address)
    {
        (index, address) = (0, IPAddress.None);
        if (body.Length < 8)
        {
            return false;
        }

        index = BinaryPrimitives.ReadInt32LittleEndian(body[4..]);
        uint flags = body[2];
        IPAddress? local = null, other = null;
        NetlinkBytes attributes = new(body[8..]);
        while (attributes.TryReadAttribute(out ushort type, out ReadOnlySpan<byte> value))
        {
            switch (type)
            {
                // IFA_ADDRESS is the other end where there are two, IFA_LOCAL then ours.
                case 1:
                    other = Address(body[0], value);
                    break;
                case 2:
                    local = Address(body[0], value);
                    break;
                // IFA_FLAGS.
                case 8 when value.Length == 4:
                    flags = BinaryPrimitives.ReadUInt32LittleEndian(value);
                    break;
            }
        }

        if ((local ?? other) is not { } found || (flags & Unusable) != 0)
        {
            return false;
        }

        address = found;
        return true;
    }

    /// <summary>A route: rtmsg (12 bytes, family first, type at 7), then attributes.</summary>
    /// <param name="body">The message's body.</param>
    /// <param name="nameOf">The name of an interface that is of interest, or null.</param>
    /// <returns>Null for what leads nowhere, or into an interface without a name.</returns>
    public static DefaultRoute? ReadRoute(ReadOnlySpan<byte> body, Func<int, string?> nameOf)
    {
        // RTN_UNICAST: all other types are of this machine, or refuse.
        if (body.Length < 12 || body[7] != 1)
        {
            return null;
        }

        IPAddress? gateway = null, source = null;
        int index = 0;
        NetlinkBytes attributes = new(body[12..]);
        while (attributes.TryReadAttribute(out ushort type, out ReadOnlySpan<byte> value))
        {
            switch (type)
            {
                // RTA_OIF, RTA_GATEWAY, RTA_PREFSRC.
                case 4 when value.Length == 4:
                    index = BinaryPrimitives.ReadInt32LittleEndian(value);
                    break;
                case 5:
                    gateway = Address(body[0], value);
                    break;
                case 7:
                    source = Address(body[0], value);
                    break;
            }
        }

        if (nameOf(index) is not { } name)
        {
            return null;
        }

        if (gateway is { IsIPv6LinkLocal: true })
        {
            gateway.ScopeId = index;
        }

        return new DefaultRoute(gateway, name, source);
    }

    /// <summary>Where a route leads that goes into one interface: rtmsg as above (the length of the prefix at 1), then attributes.</summary>
    /// <returns>Null for one of another family or interface, and for what is no way to others.</returns>
    public static IPNetwork? ReadPrefix(ReadOnlySpan<byte> body, byte family, uint index)
    {
        if (body.Length < 12 || body[0] != family || body[7] != 1)
        {
            return null;
        }

        IPAddress? destination = body[1] != 0 ? null : family == UnixNative.AfInet ? IPAddress.Any : IPAddress.IPv6Any;
        bool into = false;
        NetlinkBytes attributes = new(body[12..]);
        while (attributes.TryReadAttribute(out ushort type, out ReadOnlySpan<byte> value))
        {
            switch (type)
            {
                // RTA_DST, RTA_OIF.
                case 1:
                    destination = Address(family, value);
                    break;
                case 4 when value.Length == 4:
                    into = BinaryPrimitives.ReadUInt32LittleEndian(value) == index;
                    break;
            }
        }

        return into && destination is not null && body[1] <= destination.GetAddressBytes().Length * 8 ? Prefixes.Of(destination, body[1]) : null;
    }

    private static IPAddress? Address(byte family, ReadOnlySpan<byte> value) =>
        (family == UnixNative.AfInet && value.Length == 4) || (family == LinuxNative.AfInet6 && value.Length == 16) ? new IPAddress(value) : null;
}
