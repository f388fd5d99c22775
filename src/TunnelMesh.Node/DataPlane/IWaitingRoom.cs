using TunnelMesh.Node.Sessions;

namespace TunnelMesh.Node.DataPlane;

/// <summary>Where packets go that cannot be sealed at once, because their peer has no session yet or others wait before them.</summary>
internal interface IWaitingRoom
{
    /// <summary>Takes a packet; <see cref="Settle"/> follows after the last one in a row.</summary>
    /// <param name="tunnel">Whose it is.</param>
    /// <param name="packet">One whole packet; copied.</param>
    /// <param name="now">Timestamp.</param>
    void Hold(PeerTunnel tunnel, ReadOnlySpan<byte> packet, long now);

    /// <summary>Does what has to be done for the packets held: sends them, or begins a handshake.</summary>
    void Settle(PeerTunnel tunnel, long now);

    /// <summary>Something is sent to a peer whose paths nobody watched: the owner does from now on.</summary>
    void Resume(PeerTunnel tunnel, long now);
}
