namespace TunnelMesh.Simulation.Network.Nat;

/// <summary>How a NAT chooses the outer port of a mapping (RFC 4787, section 4.2).</summary>
internal enum NatPorts
{
    /// <summary>The inner port if it is free, else by chance.</summary>
    Preserved,

    /// <summary>By chance.</summary>
    Random,

    /// <summary>The one after the last: what port prediction hopes for.</summary>
    Sequential,
}
