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
    // IPv6 and TCP with timestamps; a sender with shorter headers makes one segment less at most.
    private const int LongestHeaders = 40 + 20 + 12;

    // What Linux takes off for headers of any kind (MAX_TCP_HEADER, 321 bytes on most builds), rounded up: far less than a segment.
    private const int SetAside = 400;

    // Linux's own, as long as nobody asks for more (GSO_LEGACY_MAX_SIZE).
    private const int Largest = 65536;

    /// <summary>For <see cref="TunOptions.SuperPacketBytes"/>.</summary>
    /// <param name="mtu">Of the device, in bytes.</param>
    public static int BytesFor(int mtu)
    {
        int datagram = WireGuardMessage.Padded(mtu, mtu) + WireGuardMessage.TransportOverhead;
        return Math.Min((Math.Clamp(Trains.MaxBytes / datagram, 1, Trains.MaxSegments) * (mtu - LongestHeaders)) + SetAside, Largest);
    }
}
