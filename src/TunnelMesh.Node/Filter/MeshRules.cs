using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Filter;

namespace TunnelMesh.Node.Filter;

/// <summary>What the coordinator says to the packet filter, as it comes with the map. Pure.</summary>
public static class MeshRules
{
    /// <summary>The rules that can be used, <see cref="FilterRule.MaxRules"/> at most.</summary>
    /// <param name="filter">As received.</param>
    /// <param name="refused">How many cannot be used: of a later version, or too many.</param>
    public static IReadOnlyList<FilterRule> Parse(MapFilter filter, out int refused)
    {
        ArgumentNullException.ThrowIfNull(filter);
        List<FilterRule> rules = [];
        foreach (MapFilterRule wire in filter.Rules)
        {
            if (rules.Count < FilterRule.MaxRules && FilterRule.TryParse(wire.Port, wire.Protocol, wire.Action, wire.SourcePeer, out FilterRule rule, out _))
            {
                rules.Add(rule);
            }
        }

        refused = filter.Rules.Count - rules.Count;
        return rules;
    }

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
