namespace TunnelMesh.Platform.Lanes;

/// <summary>What a lane has to do.</summary>
[Flags]
public enum LaneEvents
{
    /// <summary>The time was over first, or a signal came.</summary>
    None = 0,

    /// <summary>The TUN has packets, or an error that reading tells.</summary>
    Packets = 1,

    /// <summary>The socket has datagrams.</summary>
    Datagrams = 2,

    /// <summary>Another thread called <see cref="LanePoller.Wake"/>.</summary>
    Woken = 4,
}
