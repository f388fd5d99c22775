namespace TunnelMesh.Node.Control;

/// <summary>State of the control stream, for status and logs.</summary>
/// <param name="Phase">What it is doing.</param>
/// <param name="Server">The coordinator dialled, host:port.</param>
/// <param name="Since">When this phase began.</param>
/// <param name="Problem">Why it is not connected, for people; null when all is well.</param>
/// <param name="Code">The problem's code, of <see cref="ControlException.Code"/>; null when all is well.</param>
public sealed record ControlState(ControlPhase Phase, string Server, DateTimeOffset Since, string? Problem, string? Code = null);
