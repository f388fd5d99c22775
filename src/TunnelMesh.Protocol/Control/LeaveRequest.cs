namespace TunnelMesh.Protocol.Control;

/// <summary>Peer to coordinator: this device leaves the mesh for good; answered by <see cref="LeaveAccepted"/>.</summary>
public sealed record LeaveRequest
{
    /// <summary>JSON type name.</summary>
    public const string TypeName = "leave";
}
