namespace TunnelMesh.Node.Filter;

/// <summary>Packets of one device that the filter has dropped.</summary>
/// <param name="Protocol"><c>tcp</c>, <c>udp</c>, <c>icmp</c> or <c>other</c>.</param>
/// <param name="SourcePeer">Name of the device.</param>
/// <param name="Packets">How many since the start.</param>
public sealed record FilterDrops(string Protocol, string SourcePeer, long Packets);
