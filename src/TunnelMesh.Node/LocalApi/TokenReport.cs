namespace TunnelMesh.Node.LocalApi;

/// <summary>A mesh token as the coordinator lists it, without its text.</summary>
public sealed record TokenReport
{
    /// <summary>Number of the token.</summary>
    public required long Id { get; init; }
    /// <summary>True while it admits devices.</summary>
    public required bool Valid { get; init; }
    /// <summary>True when it was withdrawn, which cannot be taken back.</summary>
    public required bool Withdrawn { get; init; }
    /// <summary>True when TUNNELMESH_TOKEN named it at the coordinator's start.</summary>
    public required bool Given { get; init; }
    /// <summary>Devices it has admitted.</summary>
    public required long Admitted { get; init; }
    /// <summary>When the coordinator first had it.</summary>
    public required DateTimeOffset Added { get; init; }
    /// <summary>When it ends, or null.</summary>
    public DateTimeOffset? Expires { get; init; }
}
