namespace TunnelMesh.Protocol.Control;

/// <summary>The device is forgotten; its name is free, its address rests.</summary>
public sealed record LeaveAccepted
{
    /// <summary>JSON type name.</summary>
    public const string TypeName = "left";
}
