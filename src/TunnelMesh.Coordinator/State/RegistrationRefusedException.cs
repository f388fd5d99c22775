using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Coordinator.State;

/// <summary>A device may not be registered; nothing was stored.</summary>
public sealed class RegistrationRefusedException : Exception
{
    /// <summary>With one of <see cref="ControlErrorCodes"/> and a message for people.</summary>
    public RegistrationRefusedException(string code, string message) : base(message) => Code = code;

    /// <summary>One of <see cref="ControlErrorCodes"/>.</summary>
    public string Code { get; }
}
