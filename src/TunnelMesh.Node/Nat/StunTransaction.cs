using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Stun;

namespace TunnelMesh.Node.Nat;

/// <summary>What is known of one server, and the request that is under way, if any. Under the probe's lock.</summary>
internal sealed class StunTransaction(UdpEndpoint server)
{
    public UdpEndpoint Server => server;

    public StunTransactionId Id { get; set; }

    /// <summary>Requests sent; 0 when none is under way.</summary>
    public int Sent { get; set; }

    /// <summary>When the first was sent.</summary>
    public long First { get; set; }

    /// <summary>When to do something next, in timestamps.</summary>
    public long Due { get; set; }

    /// <summary>Requests that were given up since the last answer.</summary>
    public int Silences { get; set; }

    /// <summary>Where it sees us; empty for not (any more).</summary>
    public UdpEndpoint Mapped { get; set; }

    public TimeSpan RoundTrip { get; set; }

    /// <summary>True once it answered or was given up since the start or the last change of the network.</summary>
    public bool IsSettled { get; set; }
}
