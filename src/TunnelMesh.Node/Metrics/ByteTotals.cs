using TunnelMesh.Node.DataPlane;

namespace TunnelMesh.Node.Metrics;

/// <summary>
/// Bytes of all tunnels together. A device that goes takes its counts along, and a sum that falls would look like a restart to whoever reads it: so what was counted stays
/// counted here. Not thread-safe.
/// </summary>
public sealed class ByteTotals
{
    private Dictionary<string, (long Sent, long Received)> _last = [];

    /// <summary>Bytes of inner packets sent since the start.</summary>
    public long Sent { get; private set; }

    /// <summary>Bytes of inner packets received since the start.</summary>
    public long Received { get; private set; }

    /// <summary>Adds what has come to each tunnel since the last call.</summary>
    public void Add(IEnumerable<PeerStats> peers)
    {
        ArgumentNullException.ThrowIfNull(peers);
        Dictionary<string, (long Sent, long Received)> now = [];
        foreach (PeerStats peer in peers)
        {
            (long Sent, long Received) last = _last.GetValueOrDefault(peer.DeviceId);
            // A device that was away begins anew.
            Sent += peer.TxBytes >= last.Sent ? peer.TxBytes - last.Sent : peer.TxBytes;
            Received += peer.RxBytes >= last.Received ? peer.RxBytes - last.Received : peer.RxBytes;
            now[peer.DeviceId] = (peer.TxBytes, peer.RxBytes);
        }
        _last = now;
    }
}
