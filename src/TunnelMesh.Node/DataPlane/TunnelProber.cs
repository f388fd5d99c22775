using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Sessions;

namespace TunnelMesh.Node.DataPlane;

/// <summary>Probes of one lane. Those to addresses that nobody has answered from are limited over all its peers together, whatever members claim.</summary>
/// <param name="time">Fills the limit up again.</param>
/// <param name="sender">Seals and sends.</param>
internal sealed class TunnelProber(TimeProvider time, TunnelSender sender) : IPathProber
{
    /// <summary>Probes to addresses that are not known to be a peer's: a second, and at once.</summary>
    public const int UnprovenPerSecond = 200, UnprovenBurst = 200;

    private double _tokens = UnprovenBurst;
    private long _filledAt = time.GetTimestamp();

    /// <summary>Whom the probes go to.</summary>
    public PeerTunnel? Tunnel { get; set; }

    /// <inheritdoc/>
    public ulong? Probe(in PathAddress path, int size, bool proven)
    {
        long now = time.GetTimestamp();
        if (!proven && path.Transport == PathTransport.Udp && !TryTake(now))
        {
            return null;
        }

        return Tunnel is { } tunnel ? sender.SendProbe(tunnel, path, size, now) : null;
    }

    private bool TryTake(long now)
    {
        _tokens = Math.Min(UnprovenBurst, _tokens + (time.GetElapsedTime(_filledAt, now).TotalSeconds * UnprovenPerSecond));
        _filledAt = now;
        if (_tokens < 1)
        {
            return false;
        }

        _tokens--;
        return true;
    }
}
