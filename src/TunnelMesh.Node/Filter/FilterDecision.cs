using TunnelMesh.Protocol.Filter;

namespace TunnelMesh.Node.Filter;

/// <summary>
/// How layers and rules come to one answer. In each layer the rules about the very peer come first, then those about its groups, then those about everybody;
/// among equals a deny wins. Between layers a deny wins over every allow; when no layer says anything, the default holds.
/// </summary>
internal static class FilterDecision
{
    private static readonly int Layers = Enum.GetValues<FilterLayer>().Length;

    /// <summary>Decides about one port, or about what has none.</summary>
    /// <param name="rules">Rules whose source the peer is, in the order of their layers.</param>
    /// <param name="kind">TCP, UDP, ICMP or other.</param>
    /// <param name="port">Destination port; of no matter without ports.</param>
    /// <param name="fallback">The default.</param>
    public static FilterVerdict Of(IReadOnlyList<ActiveRule> rules, PacketKind kind, ushort port, FilterVerdict fallback)
    {
        Span<int> best = stackalloc int[Layers];
        best.Fill(-1);
        for (int i = 0; i < rules.Count; i++)
        {
            if (!Matches(rules[i].Rule, kind, port))
            {
                continue;
            }

            ref int chosen = ref best[(int)rules[i].Layer];
            if (chosen < 0 || IsStronger(rules[i].Rule, rules[chosen].Rule))
            {
                chosen = i;
            }
        }

        ActiveRule? allow = null;
        foreach (int chosen in best)
        {
            if (chosen < 0)
            {
                continue;
            }

            if (rules[chosen].Rule.Action == FilterAction.Deny)
            {
                return new FilterVerdict(false, rules[chosen]);
            }

            allow ??= rules[chosen];
        }

        return allow is null ? fallback : new FilterVerdict(true, allow);
    }

    /// <summary>True when a rule is about such packets.</summary>
    public static bool Matches(FilterRule rule, PacketKind kind, ushort port) => rule.Protocol switch
    {
        FilterProtocol.Tcp => kind == PacketKind.Tcp && rule.Ports.Contains(port),
        FilterProtocol.Udp => kind == PacketKind.Udp && rule.Ports.Contains(port),
        FilterProtocol.Icmp => kind == PacketKind.Icmp,
        _ => kind is PacketKind.Tcp or PacketKind.Udp ? rule.Ports.Contains(port) : rule.Ports == PortRange.All,
    };

    private static bool IsStronger(FilterRule rule, FilterRule than) => rule.Source.Kind != than.Source.Kind
        ? rule.Source.Kind > than.Source.Kind
        : rule.Action == FilterAction.Deny && than.Action == FilterAction.Allow;
}
