namespace TunnelMesh.Node.LocalApi;

/// <summary>Addresses of a name.</summary>
public sealed record ResolveReport
{
    /// <summary>Name in full, with the mesh domain.</summary>
    public required string Name { get; init; }
    /// <summary>IPv4 addresses.</summary>
    public required IReadOnlyList<string> Ip { get; init; }
    /// <summary>IPv6 addresses.</summary>
    public required IReadOnlyList<string> Ip6 { get; init; }
}
