namespace TunnelMesh.Protocol.Packets;

/// <summary>Why a packet could not be delivered.</summary>
public enum IcmpUnreachableKind
{
    /// <summary>No route to the destination (ICMPv4 code 0, ICMPv6 code 0).</summary>
    Network,

    /// <summary>The destination is known but not reachable now (ICMPv4 code 1, ICMPv6 code 3).</summary>
    Host,

    /// <summary>A rule forbids it (ICMPv4 code 13, ICMPv6 code 1).</summary>
    AdministrativelyProhibited,

    /// <summary>Nobody listens on the port (ICMPv4 code 3, ICMPv6 code 4).</summary>
    Port,

    /// <summary>Larger than the way carries (ICMPv4 code 4, RFC 1191; ICMPv6 Packet Too Big, RFC 4443 3.2).</summary>
    TooBig,
}
