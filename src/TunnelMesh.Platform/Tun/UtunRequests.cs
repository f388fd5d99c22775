using System.Buffers.Binary;
using System.Text;
using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.Routes;

namespace TunnelMesh.Platform.Tun;

/// <summary>
/// Arguments of macOS's ioctls and of connect to a kernel control, as bytes: net/if.h, netinet/in_var.h, netinet6/in6_var.h,
/// sys/kern_control.h. Little-endian, as all of its machines are.
/// </summary>
internal static class UtunRequests
{
    /// <summary>The kernel control behind utun (net/if_utun.h).</summary>
    public const string ControlName = "com.apple.net.utun_control";

    /// <summary>Bytes of ifreq, ifaliasreq, in6_aliasreq, ctl_info and sockaddr_ctl.</summary>
    public const int RequestBytes = 32, AliasBytes = 64, Alias6Bytes = 128, ControlInfoBytes = 100, ControlAddressBytes = 32;

    /// <summary>Where a request has its value: behind the interface's name.</summary>
    public const int AtValue = 16;

    private const short FlagUp = 1;

    // Duplicate address detection off: nobody else is on the link, so the address is usable at once.
    private const int In6NoDad = 0x20;
    private const uint Infinite = uint.MaxValue;

    /// <summary>SIOCSIFMTU.</summary>
    public static byte[] Mtu(string name, int mtu)
    {
        byte[] request = Named(name, RequestBytes);
        BinaryPrimitives.WriteInt32LittleEndian(request.AsSpan(AtValue), mtu);
        return request;
    }

    /// <summary>SIOCGIFFLAGS, whose answer <see cref="BringUp"/> turns into SIOCSIFFLAGS.</summary>
    public static byte[] Flags(string name) => Named(name, RequestBytes);

    /// <summary>Adds IFF_UP to the flags that the system gave.</summary>
    public static void BringUp(Span<byte> request) =>
        BinaryPrimitives.WriteInt16LittleEndian(request[AtValue..], (short)(BinaryPrimitives.ReadInt16LittleEndian(request[AtValue..]) | FlagUp));

    /// <summary>SIOCAIFADDR or SIOCAIFADDR_IN6: the address alone, its own other end; what lies behind it is a matter of routes.</summary>
    public static byte[] Alias(string name, System.Net.IPAddress address)
    {
        bool v6 = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
        byte[] request = Named(name, v6 ? Alias6Bytes : AliasBytes);
        int step = BsdSocketAddress.BytesOf(address);
        BsdSocketAddress.Write(request.AsSpan(AtValue), address);
        BsdSocketAddress.WriteMask(request.AsSpan(AtValue + 2 * step), address.AddressFamily, v6 ? 128 : 32);
        if (v6)
        {
            // Behind the three addresses: flags, two expiry times (unset), and the lifetimes.
            BinaryPrimitives.WriteInt32LittleEndian(request.AsSpan(100), In6NoDad);
            BinaryPrimitives.WriteUInt32LittleEndian(request.AsSpan(120), Infinite);
            BinaryPrimitives.WriteUInt32LittleEndian(request.AsSpan(124), Infinite);
        }
        else
        {
            BsdSocketAddress.Write(request.AsSpan(AtValue + step), address);
        }

        return request;
    }

    /// <summary>CTLIOCGINFO: asks for the number of utun's control, which <see cref="ControlId"/> reads.</summary>
    public static byte[] ControlInfo()
    {
        byte[] info = new byte[ControlInfoBytes];
        Encoding.ASCII.GetBytes(ControlName, info.AsSpan(4));
        return info;
    }

    /// <summary>The number in an answered <see cref="ControlInfo"/>.</summary>
    public static uint ControlId(ReadOnlySpan<byte> info) => BinaryPrimitives.ReadUInt32LittleEndian(info);

    /// <summary>sockaddr_ctl: which control, and which of its interfaces.</summary>
    public static byte[] ControlAddress(uint id, uint unit)
    {
        byte[] address = new byte[ControlAddressBytes];
        address[0] = ControlAddressBytes;
        address[1] = MacOSNative.AfSystem;
        BinaryPrimitives.WriteUInt16LittleEndian(address.AsSpan(2), MacOSNative.AfSysControl);
        BinaryPrimitives.WriteUInt32LittleEndian(address.AsSpan(4), id);
        BinaryPrimitives.WriteUInt32LittleEndian(address.AsSpan(8), unit);
        return address;
    }

    /// <summary>
    /// The unit that a name stands for: one more than the number in <c>utunN</c>. 0 for any other name: the system then takes the
    /// first free one, since it knows no other names.
    /// </summary>
    public static uint UnitOf(string name) =>
        name.StartsWith("utun", StringComparison.Ordinal)
        && ushort.TryParse(name.AsSpan(4), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out ushort number)
            ? number + 1u
            : 0;

    private static byte[] Named(string name, int bytes)
    {
        byte[] request = new byte[bytes];
        Encoding.ASCII.GetBytes(name, request.AsSpan(0, 15));
        return request;
    }
}
