using TunnelMesh.Node.Paths;

namespace TunnelMesh.Node.DataPlane;

/// <summary>Datagrams of one sender, received one behind the other into a larger buffer.</summary>
/// <param name="Offset">Where the first begins in the buffer, in bytes.</param>
/// <param name="Length">Bytes of all of them.</param>
/// <param name="SegmentSize">Bytes of each, at least 1 where there are any; the last may be shorter.</param>
/// <param name="Source">Where from.</param>
public readonly record struct ReceivedTrain(int Offset, int Length, int SegmentSize, PathAddress Source);
