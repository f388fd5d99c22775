namespace TunnelMesh.Protocol.Control;

/// <summary>Peer to coordinator: answer with the same, so that the stream is known to carry. A coordinator that does not know it answers that, which tells as much.</summary>
public sealed record SignOfLife
{
    /// <summary>JSON type name.</summary>
    public const string TypeName = "sign_of_life";
}
