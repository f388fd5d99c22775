using System.Net;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Paths;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Node.Control;

/// <summary>Turns the network map into what the data plane has to know. Pure.</summary>
public static class MapPeers
{
    /// <summary>Endpoints tried for one device; a longer list in the map is cut.</summary>
    public const int MaxCandidates = 32;

    /// <summary>The peers of a map: every device but this one.</summary>
    /// <param name="map">The map.</param>
    /// <param name="ownId">This device's ID.</param>
    /// <param name="ownEndpoints">Where this device itself listens: behind another router the same private address may be somebody else's, but a datagram would come back to us.</param>
    /// <param name="dialled">Addresses at which the coordinator answered; tried at the UDP port of the coordinators' entries.</param>
    /// <param name="transports">What this device may use, the preferred first; of a device that names its own, those of both. The mesh may prefer another order (<see cref="TransportOrders"/>).</param>
    /// <param name="exitId">The device through which traffic to the internet leaves; null for none.</param>
    public static IReadOnlyList<PeerSpec> Build(NetworkMap map, string ownId, IReadOnlyCollection<IPEndPoint> ownEndpoints, IReadOnlyCollection<IPAddress> dialled,
        IReadOnlyList<PathTransport> transports, string? exitId = null)
    {
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(ownEndpoints);
        ArgumentNullException.ThrowIfNull(dialled);
        ArgumentNullException.ThrowIfNull(transports);
        HashSet<IPEndPoint> own = [.. ownEndpoints];
        MapDevice? self = map.Devices.GetValueOrDefault(ownId)?.Wire;
        List<PeerSpec> peers = new(map.Devices.Count);
        foreach (MapEntry entry in map.Devices.Values)
        {
            if (entry.Id != ownId)
            {
                peers.Add(new PeerSpec
                {
                    DeviceId = entry.Id,
                    Name = entry.Name,
                    PublicKey = entry.Wire.DeviceKey,
                    AllowedPrefixes = entry.Id == exitId ? [.. entry.Prefixes, .. ExitTraffic.Prefixes] : entry.Prefixes,
                    Exit = entry.Id == exitId,
                    Online = entry.Wire.Online,
                    Transports = TransportOrders.Apply(
                        entry.Wire.Transports.Count == 0 ? transports : [.. transports.Where(t => entry.Wire.Transports.Contains(PathNames.Of(t)))],
                        TransportOrders.Between(self, entry.Wire)),
                    Candidates = Candidates(entry, map.Ranges, own, dialled),
                });
            }
        }
        return peers;
    }

    /// <summary>The endpoints that a device names itself, without those that are none or lie inside the mesh.</summary>
    /// <param name="endpoints">Any text.</param>
    /// <param name="mesh">The mesh's ranges.</param>
    public static IReadOnlyList<IPEndPoint> Parse(IReadOnlyList<string> endpoints, IReadOnlyList<IPNetwork> mesh)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        return [.. endpoints.Take(MaxCandidates).Select(t => IPEndPoint.TryParse(t, out IPEndPoint? endpoint) && endpoint.Port != 0 ? endpoint : null)
            .OfType<IPEndPoint>().Where(e => !mesh.Any(m => m.Contains(e.Address)))];
    }

    private static List<IPEndPoint> Candidates(MapEntry entry, IReadOnlyList<IPNetwork> mesh, HashSet<IPEndPoint> own, IReadOnlyCollection<IPAddress> dialled)
    {
        IEnumerable<IPEndPoint> all = entry.Endpoints;
        if (entry.Wire.Coordinator && entry.Endpoints.Count > 0)
        {
            // The address that was dialled may be a public one of which the coordinator itself knows nothing.
            all = dialled.Select(address => new IPEndPoint(address, entry.Endpoints[0].Port)).Concat(all);
        }
        List<IPEndPoint> candidates = [];
        foreach (IPEndPoint endpoint in all)
        {
            // A tunnel inside the tunnel would carry itself.
            if (!own.Contains(endpoint) && !candidates.Contains(endpoint) && !mesh.Any(m => m.Contains(endpoint.Address)) && candidates.Count < MaxCandidates)
            {
                candidates.Add(endpoint);
            }
        }
        return candidates;
    }
}
