namespace TunnelMesh.Platform.Sockets;

/// <summary>How to open a UDP socket.</summary>
public sealed record UdpSocketOptions
{
    /// <summary>The port; 0 lets the system choose.</summary>
    public int Port { get; init; }

    /// <summary>The mark (SO_MARK) that keeps our own datagrams out of the tunnel's routes; 0 for none. Needs CAP_NET_ADMIN.</summary>
    public uint FirewallMark { get; init; }

    /// <summary>Wanted size of the receive and send buffers in bytes; the system may give less.</summary>
    public int BufferBytes { get; init; } = 7 << 20;
}
