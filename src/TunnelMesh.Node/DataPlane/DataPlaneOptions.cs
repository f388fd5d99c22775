using TunnelMesh.Node.Filter;
using TunnelMesh.Node.Nat;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Node.DataPlane;

/// <summary>What the data plane needs.</summary>
public sealed record DataPlaneOptions
{
    /// <summary>The lanes: queues of one TUN device, each with a socket of one port. Owned by the data plane from then on.</summary>
    public required IReadOnlyList<LaneDevices> Lanes { get; init; }

    /// <summary>1: a lane's thread does everything, which makes the shortest round trips; 2: one sends while the other receives.</summary>
    public int ThreadsPerLane { get; init; } = 1;

    /// <summary>Bytes that one side may take before the other has its turn, and the size of the pools for it; at least 65536.</summary>
    public int BatchBytes { get; init; } = 64 * 1024;

    /// <summary>Whether threads of lanes stay on a processor while they are busy, see <see cref="LaneAffinity"/>.</summary>
    public bool StayOnProcessor { get; init; } = true;

    /// <summary>Asks the coordinator to tell the device with this ID where this one is; called on lanes' threads, returns at once. Null for none.</summary>
    public Action<string>? Meet { get; init; }

    /// <summary>Which packets of peers come in; null for all of them. Stays the caller's.</summary>
    public PacketFilter? Filter { get; init; }

    /// <summary>What leaves the mesh; null for nothing.</summary>
    public ExitTraffic? Exit { get; init; }

    /// <summary>Takes answers of STUN servers, which come to the tunnel's port; null for none.</summary>
    public DatagramHandler? Stun { get; init; }

    /// <summary>How the NAT in front of this device is; called on lanes' threads. Null for not known.</summary>
    public Func<NatKind>? Nat { get; init; }

    /// <summary>Opens a UDP socket at a free port, owned by the data plane from then on; called on lanes' threads. Null for none beside the lanes' own.</summary>
    public Func<IUdpSocket>? OpenSocket { get; init; }

    /// <summary>This device's key; stays the caller's to dispose, after the data plane.</summary>
    public required LocalStatic Key { get; init; }

    /// <summary>Remembers the last TAI64N sent; null for none.</summary>
    public ITai64nStore? LastSent { get; init; }

    /// <summary>Timestamps drive the timers, the wall clock TAI64N.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Handshake messages a second above which senders must first prove their address by a cookie.</summary>
    public int HandshakesPerSecondBeforeCookies { get; init; } = 200;
}
