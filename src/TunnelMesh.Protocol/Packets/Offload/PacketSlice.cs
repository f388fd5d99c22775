namespace TunnelMesh.Protocol.Packets.Offload;

/// <summary>A piece of a larger buffer.</summary>
/// <param name="Offset">Where it begins, bytes from the buffer's start.</param>
/// <param name="Length">Bytes.</param>
public readonly record struct PacketSlice(int Offset, int Length);
