using TunnelMesh.Node.Sessions;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Node.DataPlane;

/// <summary>What the lanes of one device have in common: its WireGuard side, and who carries which prefix. Any thread.</summary>
/// <param name="device">Knows the sessions; as many lanes as it says.</param>
internal sealed class TunnelMembers(WireGuardDevice device)
{
    private readonly Lock _publishing = new();
    private readonly PeerTunnel[]?[] _ofLane = new PeerTunnel[device.Lanes][];
    private volatile RouteTable<PeerTunnel> _routes = new([]);
    private int _additions;

    public WireGuardDevice Device => device;

    /// <summary>Who carries which prefix, over all lanes; swapped whole.</summary>
    public RouteTable<PeerTunnel> Routes => _routes;

    /// <summary>How often peers were added: whoever holds something for unknown ones tries again when it has changed.</summary>
    public int Additions => Volatile.Read(ref _additions);

    /// <summary>Called after peers were added, on the thread that did it.</summary>
    public Action? Added { get; set; }

    /// <summary>Replaces what one lane owns.</summary>
    /// <param name="lane">The lane.</param>
    /// <param name="tunnels">All of it; not changed afterwards.</param>
    /// <param name="added">Whether there is a new one among them.</param>
    public void Publish(int lane, PeerTunnel[] tunnels, bool added)
    {
        lock (_publishing)
        {
            _ofLane[lane] = tunnels;
            _routes = new RouteTable<PeerTunnel>(_ofLane.SelectMany(t => t ?? []).SelectMany(t => t.Spec.AllowedPrefixes.Select(p => KeyValuePair.Create(p, t))));
        }

        if (added)
        {
            Interlocked.Increment(ref _additions);
            Added?.Invoke();
        }
    }
}
