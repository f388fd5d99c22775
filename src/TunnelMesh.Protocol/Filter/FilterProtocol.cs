namespace TunnelMesh.Protocol.Filter;

/// <summary>Which upper-layer protocol a rule is about.</summary>
public enum FilterProtocol
{
    /// <summary>Every protocol; with a port, TCP and UDP.</summary>
    Any,

    /// <summary>TCP (RFC 9293).</summary>
    Tcp,

    /// <summary>UDP (RFC 768).</summary>
    Udp,

    /// <summary>ICMP and ICMPv6 beyond echo and errors, which always pass.</summary>
    Icmp,
}
