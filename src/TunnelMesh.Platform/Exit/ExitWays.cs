using System.Net;
using System.Net.Sockets;
using TunnelMesh.Platform.NetworkMonitor;

namespace TunnelMesh.Platform.Exit;

/// <summary>How a device that lets others' traffic out is connected: what its rules have to name, and to be written anew for when it is another.</summary>
/// <param name="V4">The way to the IPv4 internet, and the address that traffic has there; null for none.</param>
/// <param name="V6">The same of IPv6; a private address leads nobody there.</param>
/// <param name="Own">This machine's own addresses outside of the mesh, in order.</param>
internal sealed record ExitWays(ExitWays.Way? V4, ExitWays.Way? V6, IReadOnlyList<IPAddress> Own)
{
    /// <summary>One family's.</summary>
    /// <param name="Interface">The interface.</param>
    /// <param name="Address">This machine's address there.</param>
    internal sealed record Way(string Interface, IPAddress Address);

    /// <summary>Puts together what the system tells.</summary>
    /// <param name="addresses">Of this machine, the mesh's interface left out.</param>
    /// <param name="interface4">By which IPv4 leaves; null for none.</param>
    /// <param name="interface6">The same of IPv6.</param>
    public static ExitWays Of(IReadOnlyList<InterfaceAddress> addresses, string? interface4, string? interface6)
    {
        return new ExitWays(Find(interface4, AddressFamily.InterNetwork), Find(interface6, AddressFamily.InterNetworkV6),
            [.. addresses.Select(a => a.Address).Distinct().OrderBy(a => a.ToString(), StringComparer.Ordinal)]);

        Way? Find(string? name, AddressFamily family) => addresses.Where(a => a.InterfaceName == name && a.Address.AddressFamily == family && (family == AddressFamily.InterNetwork || IsPublic(a.Address)))
            .Select(a => new Way(a.InterfaceName, a.Address)).FirstOrDefault();
    }

    /// <summary>True when rules written for one are right for the other.</summary>
    public bool IsSame(ExitWays other) => V4 == other.V4 && V6 == other.V6 && Own.SequenceEqual(other.Own);

    private static bool IsPublic(IPAddress address) => (address.GetAddressBytes()[0] & 0xE0) == 0x20;
}
