namespace TunnelMesh.Node.LocalApi;

/// <summary>What became of a token that was revoked.</summary>
public sealed record TokenRevokeReport
{
    /// <summary>Number of the token.</summary>
    public required long Id { get; init; }
    /// <summary>True when TUNNELMESH_TOKEN named it at the coordinator's start: it stays revoked, also when the variable names it again.</summary>
    public required bool Given { get; init; }
    /// <summary>File of the token that was removed with it; null when there was none.</summary>
    public required string? FileRemoved { get; init; }
    /// <summary>What is left for a person to do; null for nothing.</summary>
    public required string? Problem { get; init; }
    /// <summary>Names of the devices that were revoked with it.</summary>
    public required IReadOnlyList<string> Devices { get; init; }
    /// <summary>Tokens that still admit devices.</summary>
    public required int ValidTokens { get; init; }
}
