using TunnelMesh.Platform.Sockets;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Node.DataPlane;

/// <summary>What the data plane needs.</summary>
public sealed record DataPlaneOptions
{
    /// <summary>The TUN device; owned by the data plane from then on.</summary>
    public required ITunDevice Tun { get; init; }

    /// <summary>The socket; owned by the data plane from then on.</summary>
    public required IUdpSocket Socket { get; init; }

    /// <summary>This device's key; stays the caller's to dispose, after the data plane.</summary>
    public required LocalStatic Key { get; init; }

    /// <summary>Remembers the last TAI64N sent; null for none.</summary>
    public ITai64nStore? LastSent { get; init; }

    /// <summary>Timestamps drive the timers, the wall clock TAI64N.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Handshake messages a second above which senders must first prove their address by a cookie.</summary>
    public int HandshakesPerSecondBeforeCookies { get; init; } = 200;
}
