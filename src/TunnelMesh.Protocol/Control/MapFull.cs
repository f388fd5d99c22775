namespace TunnelMesh.Protocol.Control;

/// <summary>The whole network map: sent once, gzipped JSON in one binary WebSocket message.</summary>
public sealed record MapFull
{
    /// <summary>JSON type name.</summary>
    public const string TypeName = "map";
    /// <summary>Identity of this numbering; a new one makes every cached number void.</summary>
    public required string Epoch { get; init; }
    /// <summary>Number of the newest change contained.</summary>
    public required long Number { get; init; }
    /// <summary>The mesh.</summary>
    public required MeshInfo Mesh { get; init; }
    /// <summary>All devices, the viewer's own among them.</summary>
    public required IReadOnlyList<MapDevice> Devices { get; init => field = WireList.Of(value); }
    /// <summary>All coordinators.</summary>
    public required IReadOnlyList<MapCoordinator> Coordinators { get; init => field = WireList.Of(value); }
    /// <summary>What the coordinator says to the packet filter; null from one that knows of none.</summary>
    public MapFilter? Filter { get; init; }
    /// <summary>Names of all groups but <c>everyone</c>, lower case; null from a coordinator that knows of none.</summary>
    public IReadOnlyList<string>? Groups { get; init => field = WireList.OrNull(value); }
}
