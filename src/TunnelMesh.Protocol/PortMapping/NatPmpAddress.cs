using System.Net;

namespace TunnelMesh.Protocol.PortMapping;

/// <summary>What a NAT-PMP gateway says of its external address (RFC 6886 section 3.2).</summary>
/// <param name="Result">0, or why not (section 3.5).</param>
/// <param name="Epoch">Seconds since it lost its state.</param>
/// <param name="Address">The address; null with an error.</param>
public readonly record struct NatPmpAddress(ushort Result, uint Epoch, IPAddress? Address);
