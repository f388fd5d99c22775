namespace TunnelMesh.Platform.Sockets;

/// <summary>An option of a socket as setsockopt takes it. A class, as one more struct in lists costs the binary more than it saves.</summary>
/// <param name="Level">The protocol's number.</param>
/// <param name="Name">The option's number at that level.</param>
/// <param name="Value">Its bytes, as the system lays them out.</param>
internal sealed record SocketOptionValue(int Level, int Name, byte[] Value);
