using TunnelMesh.Node.Nat;
using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Sessions;

namespace TunnelMesh.Node.DataPlane;

/// <summary>What one thread leaves for the lane that owns a peer.</summary>
/// <param name="Tunnel">Whose packet or news it is; null for a datagram, and for news of all.</param>
/// <param name="Bytes">An inner packet that has to wait, or a datagram; null for neither.</param>
/// <param name="Path">Where the datagram came from, or which path opened or closed.</param>
/// <param name="News">What is told.</param>
/// <param name="Addresses">Where a peer says it is.</param>
/// <param name="Ping">The ping.</param>
/// <param name="Nat">What a peer says of its NAT.</param>
internal readonly record struct LaneLetter(PeerTunnel? Tunnel, byte[]? Bytes, PathAddress Path, LaneNews News = LaneNews.None, PathAddress[]? Addresses = null, PendingPing? Ping = null, NatWord? Nat = null);
