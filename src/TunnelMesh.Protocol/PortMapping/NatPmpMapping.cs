namespace TunnelMesh.Protocol.PortMapping;

/// <summary>What a NAT-PMP gateway says of a mapping (RFC 6886 section 3.3).</summary>
/// <param name="Result">0, or why not (section 3.5): 1 version, 2 refused, 3 no network, 4 no resources, 5 opcode.</param>
/// <param name="Epoch">Seconds since it lost its state.</param>
/// <param name="InternalPort">Our port.</param>
/// <param name="ExternalPort">The port outside.</param>
/// <param name="LifetimeSeconds">How long it stays.</param>
public readonly record struct NatPmpMapping(ushort Result, uint Epoch, ushort InternalPort, ushort ExternalPort, uint LifetimeSeconds);
