namespace TunnelMesh.Cli.Contexts;

/// <summary>A context as `context list` and `context show` tell it. The JSON names are stable.</summary>
internal sealed record ContextReport
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }
    /// <summary>Whether it counts when none is named.</summary>
    public required bool Active { get; init; }
    /// <summary><c>running</c>, <c>starting</c>, <c>stopped</c>, or <c>forbidden</c> where this user may not ask the peer that runs.</summary>
    public required string State { get; init; }
    /// <summary>Whether programs of this system have their questions on names answered by its mesh.</summary>
    public required bool Names { get; init; }
    /// <summary>Device name in the mesh; null in all that follows where it is a member of none, or that cannot be read.</summary>
    public string? Device { get; init; }
    /// <summary>Device ID, 32 hex digits.</summary>
    public string? DeviceId { get; init; }
    /// <summary>Mesh IPv4 address.</summary>
    public string? MeshIp { get; init; }
    /// <summary>Mesh IPv6 address.</summary>
    public string? MeshIp6 { get; init; }
    /// <summary>Mesh ID, 10 hex digits.</summary>
    public string? MeshId { get; init; }
    /// <summary>Mesh IPv4 range.</summary>
    public string? MeshCidr { get; init; }
    /// <summary>The coordinator, host and port.</summary>
    public string? Coordinator { get; init; }
    /// <summary>SHA-256 of the mesh root, 64 hex digits: what `join --ca-pin` takes.</summary>
    public string? CaSha256 { get; init; }
    /// <summary>Interface of the mesh.</summary>
    public string? Interface { get; init; }
    /// <summary>UDP port of the tunnel.</summary>
    public int? UdpPort { get; init; }
    /// <summary>TCP port of the SSH transport.</summary>
    public int? SshPort { get; init; }
    /// <summary>Where its resolver listens beside the mesh address; null for nowhere.</summary>
    public string? DnsListen { get; init; }
    /// <summary>Its directory; null where it is another user's.</summary>
    public string? Directory { get; init; }
    /// <summary>The configuration that `join` would read without `--config`; null for none.</summary>
    public string? Config { get; init; }
    /// <summary>Its control socket.</summary>
    public required string Socket { get; init; }
    /// <summary>Name of its service.</summary>
    public required string Service { get; init; }
    /// <summary>What is wrong with it, for people; null for nothing.</summary>
    public string? Problem { get; init; }
}
