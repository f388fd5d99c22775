namespace TunnelMesh.Node.Nat;

/// <summary>What a <see cref="StunProbe"/> has done since it started.</summary>
/// <param name="Sent">Requests sent, repeats included.</param>
/// <param name="Answered">Answers taken.</param>
/// <param name="Ignored">STUN messages that answer nothing that was asked: forged, late, doubled, or without an address that can be.</param>
public readonly record struct StunProbeCounters(long Sent, long Answered, long Ignored);
