using TunnelMesh.Protocol.Filter;

namespace TunnelMesh.Node.Filter;

/// <summary>A rule in use. Its count is any thread's; the rest never changes.</summary>
/// <param name="rule">The rule.</param>
/// <param name="layer">Where it comes from.</param>
/// <param name="ends">Timestamp, of the clock that goes on while the machine sleeps, at which it ends; <see cref="long.MaxValue"/> for never.</param>
internal sealed class ActiveRule(FilterRule rule, FilterLayer layer, long ends = long.MaxValue)
{
    private long _hits;

    public FilterRule Rule => rule;

    public FilterLayer Layer => layer;

    public long Ends => ends;

    /// <summary>Packets that this rule has decided.</summary>
    public long Hits => Interlocked.Read(ref _hits);

    public void CountHits(int packets) => Interlocked.Add(ref _hits, packets);
}
