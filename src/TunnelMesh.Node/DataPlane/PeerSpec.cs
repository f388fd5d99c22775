using System.Net;
using TunnelMesh.Node.Paths;

namespace TunnelMesh.Node.DataPlane;

/// <summary>What the data plane has to know about another device, from the network map or a stock client's configuration.</summary>
public sealed record PeerSpec
{
    /// <summary>The device's id; names the peer in statistics.</summary>
    public required string DeviceId { get; init; }

    /// <summary>The device's name in the mesh, by which rules of the packet filter may call it.</summary>
    public string Name { get; init; } = "";

    /// <summary>The device's X25519 public key, 32 bytes; the session belongs to it.</summary>
    public required byte[] PublicKey { get; init; }

    /// <summary>The pre-shared key of Noise_IKpsk2, 32 bytes; all zero for none.</summary>
    public byte[] PresharedKey { get; init; } = new byte[32];

    /// <summary>Prefixes the device may send from, and that are routed to it.</summary>
    public IReadOnlyList<IPNetwork> AllowedPrefixes { get; init; } = [];

    /// <summary>True for the device through which this one's traffic to the internet leaves; its prefixes hold those of <see cref="ExitTraffic.Prefixes"/>.</summary>
    public bool Exit { get; init; }

    /// <summary>Where the device may be reached over UDP; all are tried at once.</summary>
    public IReadOnlyList<IPEndPoint> Candidates { get; init; } = [];

    /// <summary>What may carry datagrams to the device, the preferred first.</summary>
    public IReadOnlyList<PathTransport> Transports { get; init; } = [PathTransport.Udp, PathTransport.Ssh, PathTransport.Relay];

    /// <summary>Whether its control stream lives, as far as the coordinator has said. A device that comes back may have lost its sessions.</summary>
    public bool Online { get; init; } = true;

    /// <summary>True for a plain WireGuard client, which gets no probes.</summary>
    public bool Stock { get; init; }

    /// <summary>Seconds between persistent keepalives; 0 for none.</summary>
    public int PersistentKeepaliveSeconds { get; init; }
}
