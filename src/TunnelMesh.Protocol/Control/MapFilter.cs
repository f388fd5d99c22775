namespace TunnelMesh.Protocol.Control;

/// <summary>What the coordinator says to the packet filter of every peer; comes with the map, and is kept with it.</summary>
public sealed record MapFilter
{
    /// <summary>Whether traffic that no rule is about is dropped; null when the coordinator leaves that to each peer.</summary>
    public bool? DefaultDeny { get; init; }
    /// <summary>Rules, in no order: a deny beats every allow.</summary>
    public IReadOnlyList<MapFilterRule> Rules { get; init => field = WireList.Of(value); } = [];
    /// <summary>TCP ports at which coordinators serve the mesh, open there for every peer.</summary>
    public IReadOnlyList<int> ServicePorts { get; init => field = value ?? []; } = [];
}
