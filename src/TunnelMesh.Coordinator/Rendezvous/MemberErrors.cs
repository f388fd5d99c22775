using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Coordinator.Rendezvous;

/// <summary>Refusals that several places give in the same words.</summary>
internal static class MemberErrors
{
    /// <summary>The device or its user was revoked.</summary>
    internal static ErrorMessage Revoked { get; } = new()
    {
        Code = ControlErrorCodes.Revoked,
        Message = "This device or its user was revoked in this mesh. Ask an admin of the mesh.",
    };
}
