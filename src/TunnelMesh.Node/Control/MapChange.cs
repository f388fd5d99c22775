namespace TunnelMesh.Node.Control;

/// <summary>What applying a message did to the map.</summary>
public sealed record MapChange
{
    /// <summary>The map afterwards; the old one when there is a gap.</summary>
    public required NetworkMap Map { get; init; }
    /// <summary>True when a number is missing: ask with <c>MapRequest</c>.</summary>
    public bool Gap { get; init; }
    /// <summary>Devices new or changed in more than presence.</summary>
    public IReadOnlyList<MapEntry> Upserted { get; init; } = [];
    /// <summary>Devices that are gone.</summary>
    public IReadOnlyList<MapEntry> Removed { get; init; } = [];
    /// <summary>True when what the coordinator says to the packet filter may have changed.</summary>
    public bool FilterChanged { get; init; }
    /// <summary>True when the list of coordinators, with where they are reached, may have changed.</summary>
    public bool CoordinatorsChanged { get; init; }
    /// <summary>True when groups, or who is in them, may have changed.</summary>
    public bool GroupsChanged { get; init; }
    /// <summary>Entries refused because something about them did not hold.</summary>
    public int Dropped { get; init; }
}
