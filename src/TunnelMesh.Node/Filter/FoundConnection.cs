namespace TunnelMesh.Node.Filter;

/// <summary>A live connection as it was when it was looked up.</summary>
/// <param name="Index">Its place in the table; another may have it a moment later.</param>
/// <param name="Flags">How far it is.</param>
/// <param name="LastSeen">Timestamp of its last packet.</param>
internal readonly record struct FoundConnection(int Index, ConnectionFlags Flags, long LastSeen);
