namespace TunnelMesh.Node.DataPlane;

/// <summary>Why a packet or datagram was dropped.</summary>
public enum DropReason
{
    /// <summary>From the TUN: no peer carries the destination.</summary>
    NoRoute,

    /// <summary>From the TUN: it had to make room for newer ones while waiting for a session.</summary>
    QueueFull,

    /// <summary>From the TUN: the peer has no endpoint, or did not answer a handshake for 5 s.</summary>
    Unreachable,

    /// <summary>From the TUN: larger than the path carries; the sender was told.</summary>
    TooBig,

    /// <summary>From a peer: the inner source is not among its prefixes.</summary>
    BadSource,

    /// <summary>From a peer: for an address that is not this device's, which would make this machine a router.</summary>
    BadDestination,

    /// <summary>From a peer: the packet filter does not let it in.</summary>
    Filtered,

    /// <summary>From outside: it does not authenticate.</summary>
    Forged,

    /// <summary>From outside: seen before, or older than the replay window.</summary>
    Replayed,

    /// <summary>From outside: for a session that is over or unknown.</summary>
    NoSession,

    /// <summary>From outside: the beginning of a handshake with a device that is not known (yet), while as many from the same source, or in all, wait for the map.</summary>
    TooManyStrangers,

    /// <summary>From either side: not a whole packet, or no WireGuard message.</summary>
    Malformed,

    /// <summary>The system refused to send it.</summary>
    SendFailed,

    /// <summary>The TUN refused to take it.</summary>
    TunFailed,
}
