namespace TunnelMesh.Platform.Guard;

/// <summary>What was added to the kernel's rules. It survives the process, so that the next one can take it away.</summary>
public sealed record GuardEntry
{
    /// <summary>The mesh's interface, after which it is called.</summary>
    public required string Interface { get; init; }
    /// <summary><c>nft</c> or <c>iptables</c>.</summary>
    public required string Backend { get; init; }
}
