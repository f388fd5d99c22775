namespace TunnelMesh.Protocol.Control;

/// <summary>Answer of <see cref="ControlProtocol.VersionPath"/>.</summary>
public sealed record VersionDocument
{
    /// <summary>Program version.</summary>
    public required string Version { get; init; }
    /// <summary>Newest protocol version served.</summary>
    public required int Protocol { get; init; }
    /// <summary>Oldest protocol version served.</summary>
    public required int OldestProtocol { get; init; }
}
