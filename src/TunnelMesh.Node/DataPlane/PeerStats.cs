using TunnelMesh.Node.Nat;

namespace TunnelMesh.Node.DataPlane;

/// <summary>How the tunnel to one device is doing, at one moment.</summary>
public sealed record PeerStats
{
    /// <summary>The device's id.</summary>
    public required string DeviceId { get; init; }

    /// <summary><c>udp</c>, <c>ssh</c>, <c>relay</c>, or <c>none</c> without a live session, and while the carrier has no way.</summary>
    public required string Path { get; init; }

    /// <summary>Where datagrams go now, as <c>address:port</c>; null without one, and over a carrier.</summary>
    public string? Endpoint { get; init; }

    /// <summary>The last measured round trip in milliseconds; null before the first.</summary>
    public double? RttMs { get; init; }

    /// <summary>Bytes of inner packets received.</summary>
    public long RxBytes { get; init; }

    /// <summary>Bytes of inner packets sent.</summary>
    public long TxBytes { get; init; }

    /// <summary>When the last handshake was complete, in seconds of Unix time; null before the first.</summary>
    public long? LastHandshakeUnix { get; init; }

    /// <summary>What the device said last of its own NAT, in a meeting.</summary>
    public NatKind Nat { get; init; }

    /// <summary>True while ports of the NAT of either side are tried by chance, or are about to be.</summary>
    public bool IsSearching { get; init; }

    /// <summary>How often another path was taken, since the start.</summary>
    public long PathChanges { get; init; }

    /// <summary>Every path to the device that is known, tried or not.</summary>
    public IReadOnlyList<PathStats> Paths { get; init; } = [];
}
