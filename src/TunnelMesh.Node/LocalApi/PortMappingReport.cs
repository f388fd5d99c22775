namespace TunnelMesh.Node.LocalApi;

/// <summary>Whether the gateway forwards a port of its own to this peer.</summary>
public sealed record PortMappingReport
{
    /// <summary>False where <c>port_mapping</c> is switched off.</summary>
    public required bool Enabled { get; init; }
    /// <summary><c>pcp</c>, <c>nat_pmp</c> or <c>upnp</c>; null without a mapping.</summary>
    public string? Method { get; init; }
    /// <summary>Endpoint outside, ip:port; null without a mapping.</summary>
    public string? External { get; init; }
    /// <summary>The gateway's address.</summary>
    public string? Gateway { get; init; }
    /// <summary>When it ends unless it is renewed, which happens by itself.</summary>
    public DateTimeOffset? Expires { get; init; }
    /// <summary>True when others are told of it: its address is public, and STUN servers do not see another.</summary>
    public bool Holds { get; init; }
    /// <summary>Why there is none; null while there is one, or none was tried yet.</summary>
    public string? Problem { get; init; }
}
