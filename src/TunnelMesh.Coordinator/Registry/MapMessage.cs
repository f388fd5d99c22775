using System.Net.WebSockets;

namespace TunnelMesh.Coordinator.Registry;

/// <summary>An encoded map message, shared by every stream it is sent to; the bytes are never changed.</summary>
/// <param name="From">The number it builds on; -1 for a whole map.</param>
/// <param name="Number">The number a viewer holds after it.</param>
/// <param name="Bytes">Payload of one WebSocket message.</param>
/// <param name="Type">Text for JSON, binary for gzipped JSON.</param>
internal sealed record MapMessage(long From, long Number, byte[] Bytes, WebSocketMessageType Type);
