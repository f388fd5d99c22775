namespace TunnelMesh.Node.LocalApi;

/// <summary>The TUN interface of a peer.</summary>
public sealed record TunReport
{
    /// <summary>Interface name.</summary>
    public required string Name { get; init; }
    /// <summary>MTU in bytes.</summary>
    public required int Mtu { get; init; }
}
