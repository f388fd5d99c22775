namespace TunnelMesh.Node.Transports.Relay;

/// <summary>State of the relay stream, for status and logs.</summary>
/// <param name="IsOpen">True while it carries: the coordinator has answered on it.</param>
/// <param name="Server">The coordinator dialled, host:port.</param>
/// <param name="Since">Since when it is open, or is not.</param>
/// <param name="Problem">Why it is not open, for people; null when all is well or it is dialled for the first time.</param>
/// <param name="Code">The problem's code, of <see cref="Control.ControlException.Code"/>; null when there is none.</param>
public sealed record RelayState(bool IsOpen, string Server, DateTimeOffset Since, string? Problem, string? Code = null);
