using System.Net.Sockets;

namespace TunnelMesh.Platform.Routes;

/// <summary>Reads the routing table of the system.</summary>
internal static class WindowsRoutes
{
    public static IReadOnlyList<LocalRoute> List() => Read(IpHelper.GetRoutes(), new IpHelper().AliasOf);

    /// <summary>The routes of the unicast Internet among rows of the table.</summary>
    /// <param name="rows">The table.</param>
    /// <param name="nameOf">The name of an interface, or null when it is gone.</param>
    internal static IReadOnlyList<LocalRoute> Read(ReadOnlySpan<ForwardRow> rows, Func<ulong, string?> nameOf)
    {
        var routes = new List<LocalRoute>();
        foreach (ref readonly ForwardRow row in rows)
        {
            // Each own address has rows that lead back into the machine.
            if (row.Loopback == 0 && row.Destination.Address is { } address && Prefixes.IsUnicast(address)
                && row.PrefixLength <= (address.AddressFamily == AddressFamily.InterNetworkV6 ? 128 : 32) && nameOf(row.Luid) is { } name)
            {
                routes.Add(new LocalRoute(Prefixes.Of(address, row.PrefixLength), name));
            }
        }

        return routes;
    }
}
