using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Sessions;

namespace TunnelMesh.Node.DataPlane;

/// <summary>Brings what belongs to another lane there, and counts what is lost for want of room. One per thread, for its counters.</summary>
/// <param name="mail">The lanes' mail, by number.</param>
/// <param name="counters">Counters of the posting thread.</param>
internal sealed class LanePost(IReadOnlyList<LaneMail> mail, DataPlaneCounters counters) : IWaitingRoom
{
    /// <inheritdoc/>
    public void Hold(PeerTunnel tunnel, ReadOnlySpan<byte> packet, long now)
    {
        tunnel.NotePosted();
        if (!mail[tunnel.Session.Lane].TryPost(new LaneLetter(tunnel, packet.ToArray(), default)))
        {
            tunnel.NoteTaken();
            counters.Drop(DropReason.QueueFull);
        }
    }

    /// <inheritdoc/>
    public void Settle(PeerTunnel tunnel, long now)
    {
        // The owner does it when it takes the packets.
    }

    /// <inheritdoc/>
    public void Resume(PeerTunnel tunnel, long now) => mail[tunnel.Session.Lane].TryPost(new LaneLetter(tunnel, null, default, LaneNews.Resumed));

    /// <summary>Has the owner look at a peer's timers.</summary>
    public void Touch(PeerTunnel tunnel) => mail[tunnel.Session.Lane].TryPost(new LaneLetter(tunnel, null, default));

    /// <summary>Hands over a datagram.</summary>
    /// <param name="lane">To which lane.</param>
    /// <param name="datagram">The whole datagram; copied.</param>
    /// <param name="source">Where it came from.</param>
    public void Forward(int lane, ReadOnlySpan<byte> datagram, in PathAddress source)
    {
        if (!mail[lane].TryPost(new LaneLetter(null, datagram.ToArray(), source)))
        {
            counters.Drop(DropReason.QueueFull);
        }
    }
}
