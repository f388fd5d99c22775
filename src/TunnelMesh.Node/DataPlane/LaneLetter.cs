using TunnelMesh.Node.Sessions;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Node.DataPlane;

/// <summary>What one thread leaves for the lane that owns a peer.</summary>
/// <param name="Tunnel">Whose packet it is, or whose timers have to be looked at when there are no bytes; null for a datagram.</param>
/// <param name="Bytes">An inner packet that has to wait, or a datagram; null for neither.</param>
/// <param name="Source">Where the datagram came from.</param>
internal readonly record struct LaneLetter(PeerTunnel? Tunnel, byte[]? Bytes, UdpEndpoint Source);
