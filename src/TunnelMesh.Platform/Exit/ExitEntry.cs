namespace TunnelMesh.Platform.Exit;

/// <summary>What was changed for exit traffic and how to undo it. It survives the process, so that the next one can.</summary>
public sealed record ExitEntry
{
    /// <summary>The mesh's interface.</summary>
    public required string Interface { get; init; }
    /// <summary><c>nft</c>, <c>iptables</c> or <c>pf</c>, whose rules were added; empty for none.</summary>
    public string Backend { get; init; } = "";
    /// <summary>The anchor of pf that has the rules; empty elsewhere than on macOS.</summary>
    public string Anchor { get; init; } = "";
    /// <summary>What pf gave for being turned on, to be given back; empty for nothing.</summary>
    public string Token { get; init; } = "";
    /// <summary>Settings of the kernel as they were.</summary>
    public IReadOnlyList<SavedSetting> Settings { get; init; } = [];
    /// <summary>The mark in the rules of routing, on macOS the group of the process; 0 where traffic is not led.</summary>
    public uint Mark { get; init; }
    /// <summary>Networks that have a route of their own in our table: those that stay reachable, and the mesh's. Prefix and interface with a space between; a prefix alone leads nowhere.</summary>
    public IReadOnlyList<string> Local { get; init; } = [];
    /// <summary>Whether what was added keeps everything else from leaving.</summary>
    public bool Blocks { get; init; }
    /// <summary>Interfaces of other programs that need forwarding, as they were before it was turned on here; null for none.</summary>
    public IReadOnlyList<string>? Forwarders { get; init; }
}
