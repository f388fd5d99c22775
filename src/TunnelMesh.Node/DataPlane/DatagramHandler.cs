using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Node.DataPlane;

/// <summary>Takes a datagram that is no WireGuard message. On a lane's thread; returns at once.</summary>
/// <param name="datagram">The whole datagram, any bytes; free again on return.</param>
/// <param name="source">Where from.</param>
/// <returns>False when it is not for the handler.</returns>
public delegate bool DatagramHandler(ReadOnlySpan<byte> datagram, in UdpEndpoint source);
