namespace TunnelMesh.Node.LocalApi;

/// <summary>Whether addresses of the mesh are kept from coming in by other interfaces than the mesh's. The JSON names are stable.</summary>
public sealed record GuardReport
{
    /// <summary>Whether what comes otherwise is dropped.</summary>
    public required bool Enforced { get; init; }
    /// <summary>By which program's rules: <c>nft</c> or <c>iptables</c>; null for none.</summary>
    public required string? By { get; init; }
    /// <summary>Why it is not dropped, or not all of it, for people; null when all is well.</summary>
    public required string? Problem { get; init; }
}
