namespace TunnelMesh.Node.LocalApi;

/// <summary>A mesh token as the coordinator lists it, without its text.</summary>
public sealed record TokenReport
{
    /// <summary>Number of the token.</summary>
    public required long Id { get; init; }
    /// <summary><c>valid</c>, <c>expired</c>, <c>used_up</c> or <c>revoked</c>.</summary>
    public required string State { get; init; }
    /// <summary>True when TUNNELMESH_TOKEN named it at the coordinator's start.</summary>
    public required bool Given { get; init; }
    /// <summary>Devices it has admitted.</summary>
    public required long Admitted { get; init; }
    /// <summary>Devices it may admit; null for any number.</summary>
    public required long? Uses { get; init; }
    /// <summary>When the coordinator first had it.</summary>
    public required DateTimeOffset Added { get; init; }
    /// <summary>When it ends; null for never.</summary>
    public required DateTimeOffset? Expires { get; init; }
}
