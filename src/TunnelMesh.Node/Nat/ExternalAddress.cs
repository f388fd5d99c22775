using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Node.Nat;

/// <summary>What an address that a gateway, or a STUN server, tells us can be good for. Pure.</summary>
internal static class ExternalAddress
{
    /// <summary>False for what no other machine can send to: no port, no address, loopback, link-local, multicast, reserved (RFC 6890).</summary>
    public static bool IsSound(IPEndPoint endpoint)
    {
        if (endpoint.Port == 0)
        {
            return false;
        }

        Span<byte> a = stackalloc byte[16];
        endpoint.Address.TryWriteBytes(a, out _);
        return endpoint.AddressFamily == AddressFamily.InterNetwork
            ? a[0] is not (0 or 127 or >= 224) && (a[0], a[1]) != (169, 254)
            // 2000::/3 and fc00::/7; fe80::/10, ff00::/8, mapped and reserved ranges are none.
            : (a[0] & 0xe0) == 0x20 || (a[0] & 0xfe) == 0xfc;
    }

    /// <summary>True for an address that the internet routes: not of RFC 1918, RFC 6598 (carrier NAT) or RFC 4193.</summary>
    public static bool IsPublic(IPAddress address)
    {
        Span<byte> a = stackalloc byte[16];
        address.TryWriteBytes(a, out _);
        return address.AddressFamily == AddressFamily.InterNetwork
            ? !(a[0] == 10 || (a[0] == 172 && (a[1] & 0xf0) == 16) || (a[0] == 192 && a[1] == 168) || (a[0] == 100 && (a[1] & 0xc0) == 64))
            : (a[0] & 0xfe) != 0xfc;
    }
}
