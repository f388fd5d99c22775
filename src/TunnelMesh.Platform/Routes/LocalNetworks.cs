using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace TunnelMesh.Platform.Routes;

/// <summary>What this machine is connected to already: its own addresses as tunnel endpoints, and prefixes that a mesh must not take over.</summary>
public static class LocalNetworks
{
    private const int Listings = 8;

    /// <summary>Addresses other machines may reach us at: of interfaces that are up; no loopback, link-local, multicast or wildcard.</summary>
    /// <param name="ownInterface">The mesh's own interface, which is left out; null for none.</param>
    /// <returns>IPv4 and IPv6 addresses without duplicates.</returns>
    /// <exception cref="IOException">The interfaces cannot be listed.</exception>
    public static IReadOnlyList<IPAddress> GetEndpointAddresses(string? ownInterface) => Whole(() => List(ownInterface));

    /// <summary>Lists anew when interfaces came or went meanwhile: the framework lists them one by one, and then throws one of several exceptions.</summary>
    internal static IReadOnlyList<IPAddress> Whole(Func<IReadOnlyList<IPAddress>> list)
    {
        for (int left = Listings - 1; ; left--)
        {
            try
            {
                return list();
            }
            catch (Exception e) when (e is ArgumentException or NetworkInformationException or IOException)
            {
                if (left == 0)
                {
                    throw new IOException($"The network interfaces of this machine cannot be listed: {e.Message}", e);
                }
            }
        }
    }

    private static List<IPAddress> List(string? ownInterface)
    {
        var result = new List<IPAddress>();
        foreach (IPAddress address in OperatingSystem.IsLinux() ? LinuxAddresses.List(ownInterface) : ListByFramework(ownInterface))
        {
            if (IsCandidate(address) && !result.Contains(address))
            {
                result.Add(address);
            }
        }

        return result;
    }

    /// <summary>Finds a local route that overlaps a wanted prefix. Default routes (and their halves, /1) do not count: a longer prefix beats them.</summary>
    /// <param name="prefix">The mesh's prefix.</param>
    /// <param name="ownInterface">The mesh's own interface, which is left out; null for none.</param>
    /// <returns>The first overlapping route, or null.</returns>
    /// <exception cref="PlatformNotSupportedException">Routes cannot be listed on this operating system.</exception>
    /// <exception cref="IOException">The system refused to list them.</exception>
    public static LocalRoute? FindCollision(IPNetwork prefix, string? ownInterface) => FindCollision(prefix, ownInterface, GetRoutes());

    /// <summary>The same over given routes.</summary>
    internal static LocalRoute? FindCollision(IPNetwork prefix, string? ownInterface, IEnumerable<LocalRoute> routes)
    {
        foreach (LocalRoute route in routes)
        {
            if (route.InterfaceName != ownInterface && route.Prefix.PrefixLength > 1 && Overlap(route.Prefix, prefix))
            {
                return route;
            }
        }

        return null;
    }

    /// <summary>Lists the routes of the main table that lead into an interface.</summary>
    /// <exception cref="PlatformNotSupportedException">Routes cannot be listed on this operating system.</exception>
    /// <exception cref="IOException">The system refused to list them.</exception>
    public static IReadOnlyList<LocalRoute> GetRoutes()
    {
        if (OperatingSystem.IsLinux())
        {
            return LinuxRoutes.List();
        }

        if (OperatingSystem.IsMacOS())
        {
            return MacOSRoutes.List();
        }

        if (OperatingSystem.IsWindows())
        {
            return WindowsRoutes.List();
        }

        throw new PlatformNotSupportedException("The routes of this operating system cannot be listed. Run the peer on Linux.");
    }

    /// <summary>True when an address can serve another machine as an endpoint.</summary>
    internal static bool IsCandidate(IPAddress address)
    {
        if (IPAddress.IsLoopback(address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        return address.AddressFamily == AddressFamily.InterNetwork
            ? bytes[0] is > 0 and < 224 && !(bytes[0] == 169 && bytes[1] == 254)
            : address is { IsIPv6LinkLocal: false, IsIPv6Multicast: false, IsIPv4MappedToIPv6: false };
    }

    /// <summary>Addresses of interfaces that work, as every system of the framework can list them; also the measure of a system's own list in the tests.</summary>
    internal static IEnumerable<IPAddress> ListByFramework(string? ownInterface) => NetworkInterface.GetAllNetworkInterfaces()
        .Where(nic => nic.Name != ownInterface && nic.NetworkInterfaceType != NetworkInterfaceType.Loopback && nic.OperationalStatus != OperationalStatus.Down)
        .SelectMany(nic => nic.GetIPProperties().UnicastAddresses)
        .Select(unicast => unicast.Address);

    private static bool Overlap(IPNetwork a, IPNetwork b) =>
        a.BaseAddress.AddressFamily == b.BaseAddress.AddressFamily && (a.Contains(b.BaseAddress) || b.Contains(a.BaseAddress));
}
