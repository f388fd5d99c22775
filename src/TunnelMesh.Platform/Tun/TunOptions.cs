using System.Net;

namespace TunnelMesh.Platform.Tun;

/// <summary>What the interface shall look like.</summary>
public sealed record TunOptions
{
    /// <summary>The wanted name, 1 to 15 bytes, such as <c>tunnelmesh0</c>. macOS knows <c>utunN</c> only and chooses for any other; see <see cref="ITunDevice.Name"/>.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// The largest packet in bytes, <see cref="TunDevice.MinMtu"/> to <see cref="TunDevice.MaxMtu"/>; 1420 leaves room for the tunnel
    /// in 1500. Below <see cref="TunDevice.MinIPv6Mtu"/> the IPv6 addresses and routes are left out.
    /// </summary>
    public int Mtu { get; init; } = 1420;

    /// <summary>The addresses to set.</summary>
    public IReadOnlyList<TunAddress> Addresses { get; init; } = [];

    /// <summary>Prefixes to route into the interface beyond the on-link ones.</summary>
    public IReadOnlyList<IPNetwork> Routes { get; init; } = [];

    /// <summary>
    /// Offloads to ask for; what the system does not take is left out (see <see cref="ITunDevice.Offloads"/>). A reader that uses
    /// <see cref="ITunDevice.Read"/> alone must read until there is nothing: a super-packet's further segments wait in the
    /// device, where polling the descriptor does not see them.
    /// </summary>
    public TunOffloads Offloads { get; init; }

    /// <summary>The largest super-packet that the system should make, in bytes with what its senders set aside for headers; null for its own. Left out where the system knows no such thing.</summary>
    public int? SuperPacketBytes { get; init; }
}
