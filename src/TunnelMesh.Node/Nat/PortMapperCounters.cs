namespace TunnelMesh.Node.Nat;

/// <summary>What port mapping has seen since it started.</summary>
/// <param name="Made">Mappings made anew.</param>
/// <param name="Renewed">Mappings renewed.</param>
/// <param name="Lost">Mappings that ended because they could not be renewed, or the network changed.</param>
/// <param name="Restarts">Times a gateway was seen to have lost its state.</param>
/// <param name="Lies">Answers not believed: an address nobody can reach, another port, another nonce, another host's.</param>
public readonly record struct PortMapperCounters(long Made, long Renewed, long Lost, long Restarts, long Lies);
