using TunnelMesh.Platform.Routes;

namespace TunnelMesh.Platform.NetworkMonitor;

/// <summary>How this machine is connected, at one moment. The mesh's own interface is left out.</summary>
/// <param name="Addresses">Addresses of interfaces that work, without order.</param>
/// <param name="V4">The way to the IPv4 internet; null for none, or when it leads through the mesh.</param>
/// <param name="V6">The same for IPv6.</param>
public sealed record NetworkState(IReadOnlyList<InterfaceAddress> Addresses, DefaultRoute? V4, DefaultRoute? V6)
{
    /// <summary>Looks now, in the network of the calling thread; a few system calls.</summary>
    /// <param name="ownInterface">The mesh's own interface; null for none.</param>
    /// <exception cref="IOException">The system does not tell.</exception>
    public static NetworkState Read(string? ownInterface)
    {
        if (!OperatingSystem.IsLinux())
        {
            return FrameworkState.Read(ownInterface);
        }

        using NetlinkState netlink = new();
        return netlink.Read(ownInterface);
    }

    /// <summary>What differs from an earlier state.</summary>
    /// <param name="earlier">The earlier state.</param>
    public NetworkChanges Since(NetworkState earlier)
    {
        ArgumentNullException.ThrowIfNull(earlier);
        NetworkChanges changes = NetworkChanges.None;
        if (!Addresses.ToHashSet().SetEquals(earlier.Addresses))
        {
            changes |= NetworkChanges.Addresses;
            if (!Addresses.Select(a => a.InterfaceName).ToHashSet().SetEquals(earlier.Addresses.Select(a => a.InterfaceName)))
            {
                changes |= NetworkChanges.Links;
            }
        }

        return V4 != earlier.V4 || V6 != earlier.V6 ? changes | NetworkChanges.DefaultRoute : changes;
    }

    /// <summary>Keeps what counts of addresses as a system lists them.</summary>
    internal static List<InterfaceAddress> Candidates(IEnumerable<InterfaceAddress> all, string? ownInterface) =>
        [.. all.Where(a => a.InterfaceName != ownInterface && LocalNetworks.IsCandidate(a.Address)).Distinct()];
}
