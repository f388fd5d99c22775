using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Node.Filter;

/// <summary>How many connections are kept, and how long without a packet; in timestamp units.</summary>
internal sealed class ConnectionLimits(long second)
{
    /// <summary>Connections of all devices together, and of one.</summary>
    public const int All = 1 << 16, OfPeer = All / 4;

    /// <summary>RFC 4787, REQ-5 recommends five minutes.</summary>
    public long Udp { get; } = 300 * second;

    /// <summary>TCP that is being opened or closed (RFC 5382, REQ-5).</summary>
    public long Transitory { get; } = 240 * second;

    /// <summary>TCP after RST.</summary>
    public long AfterReset { get; } = 10 * second;

    /// <summary>Open TCP: far more than the least of RFC 5382, REQ-5 (2 h 4 min), as a quiet connection may still be somebody's; where room is scarce the quietest gives way.</summary>
    public long Established { get; } = 5 * 24 * 3600 * second;

    /// <summary>How long a connection may be silent.</summary>
    public long Of(byte protocol, ConnectionFlags flags) => protocol switch
    {
        IpProtocol.Udp => Udp,
        _ when flags.HasFlag(ConnectionFlags.Reset) => AfterReset,
        _ when (flags & (ConnectionFlags.FinSent | ConnectionFlags.FinReceived)) != 0 || !flags.HasFlag(ConnectionFlags.Answered) => Transitory,
        _ => Established,
    };
}
