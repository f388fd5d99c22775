namespace TunnelMesh.Simulation.Network.Nat;

/// <summary>On which part of the remote endpoint a NAT's mapping or filtering depends (RFC 4787, sections 4.1 and 5).</summary>
internal enum NatBehaviour
{
    /// <summary>On none: one mapping for an inner endpoint, or everybody let in.</summary>
    EndpointIndependent,

    /// <summary>On the address.</summary>
    AddressDependent,

    /// <summary>On address and port.</summary>
    AddressAndPortDependent,
}
