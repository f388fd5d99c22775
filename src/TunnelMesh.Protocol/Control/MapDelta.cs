namespace TunnelMesh.Protocol.Control;

/// <summary>Changes From+1 … Number, merged, as JSON text or gzipped in a binary message; a viewer whose number is not <see cref="From"/> asks with <see cref="MapRequest"/>.</summary>
public sealed record MapDelta
{
    /// <summary>JSON type name.</summary>
    public const string TypeName = "delta";
    /// <summary>Epoch.</summary>
    public required string Epoch { get; init; }
    /// <summary>The number this delta builds on.</summary>
    public required long From { get; init; }
    /// <summary>The number after it.</summary>
    public required long Number { get; init; }
    /// <summary>Devices added or changed, whole.</summary>
    public IReadOnlyList<MapDevice> Upserted { get; init => field = WireList.Of(value); } = [];
    /// <summary>IDs of devices that left or were revoked.</summary>
    public IReadOnlyList<string> Removed { get; init => field = WireList.Of(value); } = [];
    /// <summary>Changes of presence and reachability only.</summary>
    public IReadOnlyList<PresenceChange> Presence { get; init => field = WireList.Of(value); } = [];
    /// <summary>New list of coordinators, or null if unchanged.</summary>
    public IReadOnlyList<MapCoordinator>? Coordinators { get; init => field = WireList.OrNull(value); }
    /// <summary>What the coordinator says to the packet filter, whole, or null if unchanged.</summary>
    public MapFilter? Filter { get; init; }
    /// <summary>Names of all groups but <c>everyone</c>, whole, or null if unchanged.</summary>
    public IReadOnlyList<string>? Groups { get; init => field = WireList.OrNull(value); }
}
