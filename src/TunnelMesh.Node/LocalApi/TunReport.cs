namespace TunnelMesh.Node.LocalApi;

/// <summary>The TUN interface of a peer.</summary>
public sealed record TunReport
{
    /// <summary>Interface name.</summary>
    public required string Name { get; init; }
    /// <summary>MTU in bytes.</summary>
    public required int Mtu { get; init; }
    /// <summary>How often somebody had changed the interface, and it was put back.</summary>
    public int Restored { get; init; }
    /// <summary>What is not as it has to be and could not be put back, or that somebody changes it again and again, for people; null when all is well.</summary>
    public string? Problem { get; init; }
}
