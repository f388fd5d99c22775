using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Node.Nat;

/// <summary>Sends a STUN request.</summary>
/// <param name="datagram">The bytes; valid during the call only.</param>
/// <param name="server">Where to.</param>
public delegate void StunSend(ReadOnlySpan<byte> datagram, in UdpEndpoint server);
