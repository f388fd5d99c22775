using TunnelMesh.Protocol.Filter;

namespace TunnelMesh.Node.Filter;

/// <summary>A rule in use, as it is now.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Layer">Where it comes from.</param>
/// <param name="TimeLeft">How long it holds; null for as long as the layer has it.</param>
/// <param name="Hits">Packets it has decided.</param>
/// <param name="IsSourceKnown">False when it names a peer or group that the mesh does not have now, so that it is about nobody.</param>
public sealed record FilterRuleState(FilterRule Rule, FilterLayer Layer, TimeSpan? TimeLeft, long Hits, bool IsSourceKnown);
