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
    /// <param name="hasNetwork">False where this machine has neither an address nor a default route: then nothing carries but what stays on it.</param>
    /// <param name="relayOpen">False while the stream to the relay is not open, or silent.</param>
    public static PeerStats? Shown(PeerStats? stats, bool online, bool hasNetwork = true, bool relayOpen = true) =>
        stats is null || (stats.Path != "none" && stats.Paths.Any(p => p.InUse && IsAlive(p, online) && (p.Transport == "relay" ? hasNetwork && relayOpen : hasNetwork || IsLocal(p)))) ? stats : stats with { Path = "none", Endpoint = null, RttMs = null };

    /// <summary>True when the path leads to this machine itself, for which it takes no network.</summary>
    /// <param name="path">The path.</param>
    public static bool IsLocal(PathStats path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return IPEndPoint.TryParse(path.Endpoint ?? "", out IPEndPoint? endpoint) && IPAddress.IsLoopback(endpoint.Address);
    }

    /// <summary>True when some device is heard at a public address: one of this network proves nothing of what its firewall lets out.</summary>
    /// <param name="stats">All tunnels.</param>
    public static bool IsUdpHeard(IEnumerable<PeerStats> stats) => stats.SelectMany(s => s.Paths).Any(p =>
        p is { Transport: "udp", State: not "doubted", HeardMsAgo: < LatelyMs } && IPEndPoint.TryParse(p.Endpoint ?? "", out IPEndPoint? endpoint) && ExternalAddress.IsPublic(endpoint.Address));
}
