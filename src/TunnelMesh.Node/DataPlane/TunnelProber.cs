using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Sessions;

namespace TunnelMesh.Node.DataPlane;

/// <summary>Probes of one lane. Those to addresses that nobody has answered from are limited, whatever members claim.</summary>
/// <param name="time">Clock.</param>
/// <param name="sender">Seals and sends.</param>
/// <param name="strangers">What may go to unproven addresses.</param>
internal sealed class TunnelProber(TimeProvider time, TunnelSender sender, StrangerBudget strangers) : IPathProber
{
    /// <summary>Whom the probes go to.</summary>
    public PeerTunnel? Tunnel { get; set; }

    /// <inheritdoc/>
    public ulong? Probe(in PathAddress path, int size, bool proven)
    {
        long now = time.GetTimestamp();

        // Keys first: a peer without any must not use up what others need.
        if (Tunnel is not { } tunnel || !TunnelSender.HasKeys(tunnel, now) || (!proven && path.Transport == PathTransport.Udp && !strangers.TryTake(path.Endpoint)))
        {
            return null;
        }

        return sender.SendProbe(tunnel, path, size, now);
    }
}
