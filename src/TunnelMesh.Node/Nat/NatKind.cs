namespace TunnelMesh.Node.Nat;

/// <summary>What a NAT makes of other peers' attempts to come in; what peers tell each other of theirs.</summary>
public enum NatKind
{
    /// <summary>Not known.</summary>
    Unknown,

    /// <summary>Everybody sees the same endpoint (RFC 4787, section 4.1, endpoint-independent mapping), or there is no NAT.</summary>
    Easy,

    /// <summary>Everybody sees another port, which nobody else can know beforehand.</summary>
    Hard,
}
