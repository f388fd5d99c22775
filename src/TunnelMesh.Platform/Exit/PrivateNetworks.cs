using System.Net;

namespace TunnelMesh.Platform.Exit;

/// <summary>Networks that are nobody's in the internet. Only these may stay reachable beside an exit: a larger one that a DHCP server makes up would pull traffic out of the tunnel.</summary>
internal static class PrivateNetworks
{
    /// <summary>RFC 1918, 6598, 3927; RFC 4193.</summary>
    public static readonly string[] V4 = ["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"], V6 = ["fc00::/7"];

    private static readonly IPNetwork[] All = [.. V4.Concat(V6).Select(p => IPNetwork.Parse(p))];

    /// <summary>True for a network that lies in one of them.</summary>
    public static bool Contain(IPNetwork network) => All.Any(a => IsWithin(network, a));

    /// <summary>True for a network that lies in another, or is the same.</summary>
    public static bool IsWithin(IPNetwork network, IPNetwork other) =>
        other.BaseAddress.AddressFamily == network.BaseAddress.AddressFamily && network.PrefixLength >= other.PrefixLength && other.Contains(network.BaseAddress);
}
