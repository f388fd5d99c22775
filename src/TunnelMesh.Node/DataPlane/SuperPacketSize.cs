using TunnelMesh.Platform.Sockets;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Node.DataPlane;

/// <summary>
/// How large the super-packets from the TUN should be: sealed, one should fill one train. Of 64 KiB, as systems make them by themselves, the last three
/// segments of 48 would need a train of their own, which costs nearly as much as the one before it.
/// </summary>
public static class SuperPacketSize
{
    // TCP with timestamps.
    private const int HeadersV4 = 20 + 20 + 12, HeadersV6 = 40 + 20 + 12;

    // What Linux takes off for headers of any kind: MAX_TCP_HEADER, 193 to 321 bytes, and a few more.
    private const int SetAside = 330;

    // Linux's own, as long as nobody asks for more (GSO_LEGACY_MAX_SIZE).
    private const int Largest = 65536;

    /// <summary>For <see cref="TunOptions.SuperPacketBytes"/>.</summary>
    /// <param name="mtu">Of the device, in bytes.</param>
    public static int BytesFor(int mtu)
    {
        int datagram = WireGuardMessage.Padded(mtu, mtu) + WireGuardMessage.TransportOverhead;
        int packets = Math.Clamp(Trains.MaxBytes / datagram, 1, Trains.MaxSegments);

        // As many of IPv4; of IPv6, whose payloads are shorter, not one more.
        int payload = Math.Min(packets * (mtu - HeadersV4), ((packets + 1) * (mtu - HeadersV6)) - (SetAside / 2));
        return Math.Min(payload + SetAside, Largest);
    }
}
