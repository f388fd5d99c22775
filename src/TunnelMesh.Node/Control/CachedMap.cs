using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Node.Control;

/// <summary>The newest map, as kept on disk.</summary>
public sealed record CachedMap
{
    /// <summary>Unix milliseconds at which a coordinator last confirmed it.</summary>
    public required long ConfirmedUnixMs { get; init; }
    /// <summary>The map; entries are verified again when it is used.</summary>
    public required MapFull Map { get; init; }

    /// <summary>The map to begin with. One that a program has kept which knew no groups has a number below all others, so that the coordinator sends it whole.</summary>
    public MapFull ToStart() => Map.Groups is null ? Map with { Number = -1 } : Map;

    /// <summary>True when it is older than the mesh allows.</summary>
    public bool IsTooOld(DateTimeOffset now) =>
        Map.Mesh.MapMaxAgeSeconds > 0 && (now.ToUnixTimeMilliseconds() - ConfirmedUnixMs) / 1000 > Map.Mesh.MapMaxAgeSeconds;
}
