namespace TunnelMesh.Protocol.Control;

/// <summary>A coordinator, as the map lists it.</summary>
public sealed record MapCoordinator
{
    /// <summary>Device name.</summary>
    public required string Name { get; init; }
    /// <summary>Base URLs, https://host:port.</summary>
    public required IReadOnlyList<string> Urls { get; init => field = WireList.Of(value); }
    /// <summary>STUN endpoints.</summary>
    public IReadOnlyList<string> Stun { get; init => field = WireList.Of(value); } = [];
    /// <summary>Role certificate, DER.</summary>
    public required byte[] RoleCertificate { get; init; }
}
