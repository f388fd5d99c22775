using TunnelMesh.Protocol.Filter;

namespace TunnelMesh.Node.Filter;

/// <summary>
/// All rules as they hold for one peer, or for all peers whom the same rules are about. Immutable, swapped whole. For each protocol the ports fall into
/// intervals with one verdict each, found by a binary search; it allocates nothing; any thread.
/// </summary>
internal sealed class CompiledRules
{
    private readonly Ports _tcp, _udp;
    private readonly FilterVerdict _icmp, _other;

    /// <summary>Compiles rules.</summary>
    /// <param name="rules">Rules whose source the peer is, in the order of their layers.</param>
    /// <param name="defaultDeny">What holds when no rule matches.</param>
    public CompiledRules(IReadOnlyList<ActiveRule> rules, bool defaultDeny)
    {
        FilterVerdict fallback = defaultDeny ? FilterVerdict.DefaultDeny : FilterVerdict.DefaultAllow;
        _tcp = new Ports(rules, PacketKind.Tcp, fallback);
        _udp = new Ports(rules, PacketKind.Udp, fallback);
        _icmp = FilterDecision.Of(rules, PacketKind.Icmp, 0, fallback);
        _other = FilterDecision.Of(rules, PacketKind.Other, 0, fallback);
    }

    /// <summary>What the rules say.</summary>
    /// <param name="kind">TCP, UDP or ICMP; anything else counts as other.</param>
    /// <param name="port">Destination port of TCP and UDP.</param>
    public FilterVerdict Decide(PacketKind kind, ushort port) => kind switch
    {
        PacketKind.Tcp => _tcp.Find(port),
        PacketKind.Udp => _udp.Find(port),
        PacketKind.Icmp => _icmp,
        _ => _other,
    };

    private readonly struct Ports
    {
        // Where each interval begins, the first at 0.
        private readonly ushort[] _starts;
        private readonly FilterVerdict[] _verdicts;

        public Ports(IReadOnlyList<ActiveRule> rules, PacketKind kind, FilterVerdict fallback)
        {
            int[] starts = new int[1 + (2 * rules.Count)];
            for (int i = 0; i < rules.Count; i++)
            {
                // One behind the last port wraps to 0, where an interval begins anyway.
                (starts[(2 * i) + 1], starts[(2 * i) + 2]) = (rules[i].Rule.Ports.First, (ushort)(rules[i].Rule.Ports.Last + 1));
            }

            Array.Sort(starts);
            _starts = new ushort[starts.Length];
            _verdicts = new FilterVerdict[starts.Length];
            int count = 0;
            foreach (int start in starts)
            {
                FilterVerdict verdict = FilterDecision.Of(rules, kind, (ushort)start, fallback);
                if (count == 0 || verdict != _verdicts[count - 1])
                {
                    (_starts[count], _verdicts[count]) = ((ushort)start, verdict);
                    count++;
                }
            }

            Array.Resize(ref _starts, count);
            Array.Resize(ref _verdicts, count);
        }

        public FilterVerdict Find(ushort port)
        {
            int low = 0;
            for (int count = _starts.Length; count > 1;)
            {
                int half = count >> 1;
                low = _starts[low + half] <= port ? low + half : low;
                count -= half;
            }

            return _verdicts[low];
        }
    }
}
