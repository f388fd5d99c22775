using System.Net.WebSockets;
using TunnelMesh.Protocol.Relay;

namespace TunnelMesh.Coordinator.Relay;

/// <summary>What a relay stream sends next.</summary>
/// <param name="Small">Bytes of the stream's small buffer: a heartbeat or a notice; 0 for none.</param>
/// <param name="Datagrams">A message of datagrams, to be returned; without an array for none.</param>
/// <param name="Close">How to end the stream, or null.</param>
/// <param name="Reason">Sent with <paramref name="Close"/>.</param>
internal readonly record struct RelayTurn(int Small, RelayBuffer Datagrams, WebSocketCloseStatus? Close, string Reason);
