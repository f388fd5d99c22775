using System.Net;

namespace TunnelMesh.Protocol.PortMapping;

/// <summary>A MAP request for UDP (RFC 6887 section 11.1).</summary>
/// <param name="Client">The address it is sent from, and that is mapped.</param>
/// <param name="Nonce">The same for every request about this mapping.</param>
/// <param name="InternalPort">Our port.</param>
/// <param name="SuggestedPort">The wanted port outside; 0 for none.</param>
/// <param name="SuggestedAddress">The wanted address outside; null for none.</param>
/// <param name="LifetimeSeconds">How long it shall stay; 0 deletes it.</param>
public sealed record PcpMapRequest(IPAddress Client, PcpNonce Nonce, ushort InternalPort, ushort SuggestedPort, IPAddress? SuggestedAddress, uint LifetimeSeconds);
