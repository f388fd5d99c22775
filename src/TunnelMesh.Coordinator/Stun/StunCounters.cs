namespace TunnelMesh.Coordinator.Stun;

/// <summary>What the STUN responder has done since it started.</summary>
/// <param name="Answered">Binding requests answered, refusals of unknown attributes included.</param>
/// <param name="Limited">Binding requests dropped because their address asked too often.</param>
/// <param name="Ignored">Datagrams that are no binding request.</param>
/// <param name="Unsent">Answers that the system did not take.</param>
public readonly record struct StunCounters(long Answered, long Limited, long Ignored, long Unsent);
