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

    /// <summary>The interfaces by which the internet is reached: of the routes for everything, the one with the lowest metric that leads into a connected interface.</summary>
    /// <param name="rows">The table.</param>
    /// <param name="ip">Tells the metric of an interface, which counts beside that of a route.</param>
    /// <returns>Their indexes; 0 for a family that has none.</returns>
    internal static (int V4, int V6) ReadDefaults(ReadOnlySpan<ForwardRow> rows, IIpHelper ip)
    {
        (int Index, ulong Metric) v4 = (0, ulong.MaxValue), v6 = v4;
        foreach (ref readonly ForwardRow row in rows)
        {
            if (row.PrefixLength != 0 || row.Loopback != 0 || row.Destination.Address is not { } address)
            {
                continue;
            }

            ref (int Index, ulong Metric) best = ref address.AddressFamily == AddressFamily.InterNetworkV6 ? ref v6 : ref v4;
            InterfaceRow on = new() { Family = row.Destination.Family, Luid = row.Luid };
            if (ip.GetInterface(ref on) == 0 && on.Connected != 0 && (ulong)row.Metric + on.Metric is var metric && metric < best.Metric)
            {
                best = ((int)row.Index, metric);
            }
        }

        return (v4.Index, v6.Index);
    }
}
