using System.Net;
using System.Net.Sockets;
using TunnelMesh.Platform.NetworkMonitor;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Node.Nat;

/// <summary>Which STUN servers a peer asks. Pure.</summary>
public static class StunServers
{
    private const int MaxTextLength = 64;

    // A NAT that gives every flow another port shows itself between two ports of one address.
    private const int MaxPorts = 2;

    /// <summary>From the network map, and from where coordinators were really reached.</summary>
    /// <param name="coordinators">As the map lists them.</param>
    /// <param name="reached">Addresses at which a coordinator answers us: first, because they work; of one behind a NAT the map lists other addresses. Its ports are the first two that are listed.</param>
    /// <param name="isMesh">Whether an address is inside the mesh, where nobody sees us from outside.</param>
    /// <returns>No more than <see cref="StunProbe.MaxServers"/>, without duplicates.</returns>
    public static IReadOnlyList<UdpEndpoint> Of(IEnumerable<MapCoordinator> coordinators, IEnumerable<IPAddress> reached, Func<IPAddress, bool> isMesh)
    {
        IPEndPoint[] listed = [.. coordinators.SelectMany(c => c.Stun).Where(t => t.Length <= MaxTextLength).Select(Parse).OfType<IPEndPoint>()];
        int[] ports = [.. listed.Select(e => e.Port).Distinct().Take(MaxPorts)];
        IEnumerable<IPEndPoint> first = reached.SelectMany(a => ports.Select(p => new IPEndPoint(a.IsIPv4MappedToIPv6 ? a.MapToIPv4() : a, p)));
        return [.. first.Concat(listed).Where(e => !isMesh(e.Address) && ExternalAddress.IsSound(e)).Select(UdpEndpoint.From).Distinct().Take(StunProbe.MaxServers)];
    }

    /// <summary>Those of whose family this machine has an address or a default route. Where it has none of either family all are left, as nothing is known of where it is going to be.</summary>
    /// <param name="servers">Servers.</param>
    /// <param name="network">How the machine is connected.</param>
    public static IReadOnlyList<UdpEndpoint> Askable(IReadOnlyList<UdpEndpoint> servers, NetworkState network)
    {
        ArgumentNullException.ThrowIfNull(network);
        bool v4 = Has(AddressFamily.InterNetwork, network.V4), v6 = Has(AddressFamily.InterNetworkV6, network.V6);
        return v4 == v6 ? servers : [.. servers.Where(s => s.IsIPv4 == v4)];
        bool Has(AddressFamily family, DefaultRoute? route) => route is not null || network.Addresses.Any(a => a.Address.AddressFamily == family);
    }

    private static IPEndPoint? Parse(string text) => IPEndPoint.TryParse(text, out IPEndPoint? endpoint) && endpoint.Port != 0 ? endpoint : null;
}
