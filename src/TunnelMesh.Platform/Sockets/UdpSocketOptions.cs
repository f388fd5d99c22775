using System.Net.Sockets;

namespace TunnelMesh.Platform.Sockets;

/// <summary>How to open a UDP socket.</summary>
public sealed record UdpSocketOptions
{
    /// <summary>The port; 0 lets the system choose.</summary>
    public int Port { get; init; }

    /// <summary>The mark (SO_MARK) that keeps our own datagrams out of the tunnel's routes; 0 for none. Linux only; needs CAP_NET_ADMIN.</summary>
    public uint FirewallMark { get; init; }

    /// <summary>Applied to the socket before it is bound, where the framework makes it: macOS and Windows.</summary>
    public Action<Socket>? ConfigureSocket { get; init; }

    /// <summary>Wanted size of the receive and send buffers in bytes; the system may give less.</summary>
    public int BufferBytes { get; init; } = 7 << 20;

    /// <summary>
    /// Offloads to ask for; what the system does not offer is left out (see <see cref="IUdpSocket.Offloads"/>). With
    /// <see cref="UdpOffloads.ReceiveCoalescing"/> only <see cref="IUdpSocket.ReceiveSegments"/> may receive.
    /// </summary>
    public UdpOffloads Offloads { get; init; } = UdpOffloads.Segmentation;

    /// <summary>The clock by which refused destinations are tried again.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
