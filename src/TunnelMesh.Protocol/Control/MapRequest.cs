namespace TunnelMesh.Protocol.Control;

/// <summary>Peer to coordinator: send what comes after this number (a gap was seen).</summary>
public sealed record MapRequest
{
    /// <summary>JSON type name.</summary>
    public const string TypeName = "map_request";
    /// <summary>Epoch held.</summary>
    public required string Epoch { get; init; }
    /// <summary>Number held.</summary>
    public required long Number { get; init; }
}
