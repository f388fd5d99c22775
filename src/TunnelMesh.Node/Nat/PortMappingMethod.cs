namespace TunnelMesh.Node.Nat;

/// <summary>How a gateway was asked for a mapping; in the order in which they are tried.</summary>
public enum PortMappingMethod
{
    /// <summary>Port Control Protocol (RFC 6887).</summary>
    Pcp,
    /// <summary>NAT Port Mapping Protocol (RFC 6886).</summary>
    NatPmp,
    /// <summary>UPnP Internet Gateway Device.</summary>
    Upnp,
}
