using System.Net;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Nat;

namespace TunnelMesh.Node.Diagnosis;

/// <summary>Whether paths are alive, for reports. Keys outlive whoever had them by minutes, so a session alone tells nothing. Pure.</summary>
public static class Liveness
{
    /// <summary>What was heard longer ago in milliseconds is no sign of life: a path that is looked after is asked every 20 s.</summary>
    public const double LatelyMs = 25_000;

    /// <summary>True when the path carries as far as is known: it is open, has not stopped to answer, and was heard lately where the coordinator says that the device is away.</summary>
    /// <param name="path">The path.</param>
    /// <param name="online">Presence as the coordinator told it.</param>
    public static bool IsAlive(PathStats path, bool online)
    {
        ArgumentNullException.ThrowIfNull(path);
        return path is { Open: true, State: not "doubted" } && (online || path.HeardMsAgo < LatelyMs);
    }

    /// <summary>The tunnel as it is to be shown: where the path in use is dead there is none, and neither endpoint nor round trip.</summary>
    /// <param name="stats">The tunnel; null for none.</param>
    /// <param name="online">Presence as the coordinator told it.</param>
    public static PeerStats? Shown(PeerStats? stats, bool online) =>
        stats is null || (stats.Path != "none" && stats.Paths.Any(p => p.InUse && IsAlive(p, online))) ? stats : stats with { Path = "none", Endpoint = null, RttMs = null };

    /// <summary>True when some device is heard at a public address: one of this network proves nothing of what its firewall lets out.</summary>
    /// <param name="stats">All tunnels.</param>
    public static bool IsUdpHeard(IEnumerable<PeerStats> stats) => stats.SelectMany(s => s.Paths).Any(p =>
        p is { Transport: "udp", State: not "doubted", HeardMsAgo: < LatelyMs } && IPEndPoint.TryParse(p.Endpoint ?? "", out IPEndPoint? endpoint) && ExternalAddress.IsPublic(endpoint.Address));
}
