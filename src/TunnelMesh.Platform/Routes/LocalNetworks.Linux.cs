using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Numerics;

namespace TunnelMesh.Platform.Routes;

/// <summary>Reads /proc/net/route and /proc/net/ipv6_route.</summary>
internal static class LinuxRoutes
{
    // RTF_REJECT: an unreachable or prohibited prefix leads nowhere, so it cannot collide.
    private const uint Reject = 0x200, Gateway = 2;

    public static IReadOnlyList<LocalRoute> List()
    {
        var routes = new List<LocalRoute>();
        if (File.Exists("/proc/net/route"))
        {
            routes.AddRange(File.ReadLines("/proc/net/route").Select(ParseIPv4).OfType<LocalRoute>());
        }

        if (File.Exists("/proc/net/ipv6_route"))
        {
            routes.AddRange(File.ReadLines("/proc/net/ipv6_route").Select(ParseIPv6).OfType<LocalRoute>());
        }

        return routes;
    }

    // Iface Destination Gateway Flags RefCnt Use Metric Mask …; addresses are numbers in the machine's byte order.
    internal static LocalRoute? ParseIPv4(string line)
    {
        string[] f = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (f.Length < 8 || !Hex(f[1], out uint destination) || !Hex(f[3], out uint flags) || !Hex(f[7], out uint mask) || (flags & Reject) != 0)
        {
            return null;
        }

        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, destination & mask);
        return new LocalRoute(new IPNetwork(new IPAddress(bytes), BitOperations.PopCount(mask)), f[0], (flags & Gateway) != 0);
    }

    // destination length source length next-hop metric refcnt use flags device, all hexadecimal.
    internal static LocalRoute? ParseIPv6(string line)
    {
        string[] f = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (f.Length < 10 || f[0].Length != 32 || !Hex(f[1], out uint length) || length > 128 || !Hex(f[8], out uint flags) || (flags & Reject) != 0 || f[9] == "lo")
        {
            return null;
        }

        var address = new IPAddress(Convert.FromHexString(f[0]));
        return address.IsIPv6LinkLocal || address.IsIPv6Multicast ? null : new LocalRoute(new IPNetwork(address, (int)length), f[9], (flags & Gateway) != 0);
    }

    private static bool Hex(string text, out uint value) => uint.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
}
