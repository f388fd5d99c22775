namespace TunnelMesh.Platform.Sockets;

/// <summary>What the system does for many datagrams at once on a UDP socket.</summary>
[Flags]
public enum UdpOffloads
{
    /// <summary>Each datagram is handled alone.</summary>
    None = 0,

    /// <summary>A train of datagrams to one destination is sent as one (UDP_SEGMENT, Linux 4.18; UDP_SEND_MSG_SIZE, Windows 10 2004).</summary>
    Segmentation = 1,

    /// <summary>Datagrams of one sender are received as one train (UDP_GRO, Linux 5.0).</summary>
    ReceiveCoalescing = 2,

    /// <summary>Everything there is.</summary>
    All = Segmentation | ReceiveCoalescing,
}
