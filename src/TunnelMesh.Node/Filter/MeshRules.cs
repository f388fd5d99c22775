using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Filter;

namespace TunnelMesh.Node.Filter;

/// <summary>What the coordinator says to the packet filter, as it comes with the map. Pure.</summary>
public static class MeshRules
{
    private const string Allow = "allow", Deny = "deny";

    // In a layer it is overruled by nothing, since it stands there alone.
    private static readonly FilterRule Everything = new(PortRange.All, FilterProtocol.Any, FilterAction.Deny, FilterSource.Any);

    /// <summary>
    /// The rules as far as they can be used, <see cref="FilterRule.MaxRules"/> at most. What cannot be read, since it is of a later version, opens nothing: an allow is left out; anything else denies, and each part of it that cannot be
    /// read stands for everything. Of too many rules the last that allow are left out, and where too many deny, everything is denied.
    /// </summary>
    /// <param name="filter">As received.</param>
    /// <param name="refused">How many were left out or not taken as they are.</param>
    public static IReadOnlyList<FilterRule> Parse(MapFilter filter, out int refused)
    {
        ArgumentNullException.ThrowIfNull(filter);
        List<FilterRule> rules = [];
        HashSet<FilterRule> fromAnybody = [];
        refused = 0;
        foreach (MapFilterRule wire in filter.Rules)
        {
            if (FilterRule.TryParse(wire.Port, wire.Protocol, wire.Action, wire.SourcePeer, out FilterRule rule, out _))
            {
                rules.Add(rule);
                continue;
            }
            refused++;
            if (wire.Action == Allow)
            {
                continue;
            }
            rule = Widened(wire);
            if (FilterSource.TryParse(wire.SourcePeer, out FilterSource source))
            {
                rules.Add(rule with { Source = source });
            }
            else
            {
                fromAnybody.Add(rule);
            }
        }

        // An allow about a peer or a group counts more than a deny about everybody; whom this one is about is not known.
        FilterSource[] sources = [.. rules.Select(r => r.Source).Append(FilterSource.Any).Distinct()];
        if (fromAnybody.Count * (long)sources.Length <= FilterRule.MaxRules)
        {
            rules = [.. rules.Concat(fromAnybody.SelectMany(rule => sources.Select(source => rule with { Source = source }))).Distinct()];
            int room = FilterRule.MaxRules - rules.Count(r => r.Action == FilterAction.Deny);
            if (room >= 0)
            {
                FilterRule[] kept = [.. rules.Where(r => r.Action == FilterAction.Deny || room-- > 0)];
                refused += rules.Count - kept.Length;
                return kept;
            }
        }

        refused = filter.Rules.Count;
        return [Everything];
    }

    // From everybody; what cannot be read of protocol and ports is everything.
    private static FilterRule Widened(MapFilterRule wire) =>
        FilterRule.TryParse(wire.Port, wire.Protocol, Deny, "", out FilterRule rule, out _) || FilterRule.TryParse("", wire.Protocol, Deny, "", out rule, out _) ? rule : Everything;

    /// <summary>What is said to every peer.</summary>
    /// <param name="defaultDeny">Of traffic that no rule is about; null for nothing.</param>
    /// <param name="rules">The rules.</param>
    /// <param name="servicePorts">TCP ports of the mesh's own services.</param>
    public static MapFilter ToWire(bool? defaultDeny, IReadOnlyList<FilterRule> rules, IReadOnlyList<int> servicePorts)
    {
        ArgumentNullException.ThrowIfNull(rules);
        return new MapFilter
        {
            DefaultDeny = defaultDeny,
            Rules = [.. rules.Select(r => new MapFilterRule { Port = r.Ports.ToString(), Protocol = r.ProtocolText, Action = r.ActionText, SourcePeer = r.Source.ToString() })],
            ServicePorts = servicePorts,
        };
    }
}
