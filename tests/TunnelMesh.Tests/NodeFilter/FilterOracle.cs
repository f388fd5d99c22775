using TunnelMesh.Node.Filter;
using TunnelMesh.Protocol.Filter;

namespace TunnelMesh.Tests.NodeFilter;

/// <summary>The filter as it is described, slow and obvious: lists, no compiling, no bytes; seconds for time.</summary>
internal sealed class FilterOracle
{
    private const int FragmentPatience = 30;
    private readonly List<Flow> _flows = [];
    private readonly Dictionary<(string Peer, bool V6, byte Protocol, uint Id), Datagram> _datagrams = [];

    public List<(FilterLayer Layer, FilterRule Rule, int Ends)> Rules { get; } = [];

    /// <summary>Names of the peers in each group.</summary>
    public Dictionary<string, string[]> Groups { get; } = [];

    public bool DefaultDeny { get; set; } = true;

    public bool IsOpen => !DefaultDeny && Rules.Count == 0;

    public int PicksUpUntil { get; set; }

    /// <summary>What the peer and the coordinator say of what no rule is about; null for nothing. Either may have it dropped, and one of them has to say otherwise.</summary>
    public (bool? Own, bool? Mesh) Defaults
    {
        get;
        set
        {
            field = value;
            bool?[] said = [value.Own, value.Mesh];
            DefaultDeny = said.Contains(true) || !said.Contains(false);
        }
    }

    /// <summary>What rules of which each is about the peer say.</summary>
    public static bool Says(IReadOnlyList<(FilterLayer Layer, FilterRule Rule)> rules, PacketKind kind, ushort port, bool defaultDeny)
    {
        List<FilterAction> layers = [];
        foreach (var layer in rules.Where(r => IsAbout(r.Rule, kind, port)).GroupBy(r => r.Layer))
        {
            FilterSourceKind closest = layer.Max(r => r.Rule.Source.Kind);
            layers.Add(layer.Any(r => r.Rule.Source.Kind == closest && r.Rule.Action == FilterAction.Deny) ? FilterAction.Deny : FilterAction.Allow);
        }

        return layers.Count == 0 ? !defaultDeny : !layers.Contains(FilterAction.Deny);
    }

    public void Sent(OraclePacket packet, int now)
    {
        if (IsOpen || packet.IsRefused || packet.Part is { Start: > 0 })
        {
            return;
        }

        Forget(now);
        Flow? flow = Find(packet);
        if (packet.Kind == PacketKind.Udp)
        {
            if (flow is null)
            {
                _flows.Add(new Flow(packet) { Ours = true, Last = now });
            }
            else
            {
                flow.Last = now;
            }
        }
        else if (packet.Kind == PacketKind.Tcp)
        {
            if (packet is { Syn: true, Ack: false, Rst: false, Fin: false })
            {
                _flows.Remove(flow!);
                _flows.Add(new Flow(packet) { Ours = true, Last = now });
            }
            else if (flow is not null)
            {
                flow.Fin |= packet.Fin;
                flow.Rst |= packet.Rst;
                flow.Last = now;
            }
            else if (now < PicksUpUntil && packet is { Ack: true, Syn: false, Rst: false, Fin: false } && packet.LocalPort >= 32768 && DefaultDeny
                && !Says(Applying(packet.Peer), packet.Kind, packet.LocalPort, true) && Says(Applying(packet.Peer), packet.Kind, packet.LocalPort, false))
            {
                _flows.Add(new Flow(packet) { Ours = true, Open = true, Last = now });
            }
        }
    }

    public bool Passes(OraclePacket packet, int now)
    {
        Forget(now);
        return IsOpen || (!packet.IsRefused && packet.Part switch
        {
            { Start: > 0 } part => Follows(packet, part, now),
            { More: true } part => Begins(packet, part, PassesWhole(packet, now), now),
            _ => PassesWhole(packet, now),
        });
    }

    // A datagram has one first fragment; a second one before the last ends it.
    private bool Begins(OraclePacket packet, OraclePart part, bool passes, int now)
    {
        if (FindDatagram(packet, part, now) is { Complete: false } begun)
        {
            begun.Dead = true;
            return false;
        }

        if (passes)
        {
            _datagrams[Key(packet, part)] = new Datagram { Since = now, FirstEnd = part.Length };
        }

        return passes;
    }

    // Behind a first one that passed, and not into it.
    private bool Follows(OraclePacket packet, OraclePart part, int now)
    {
        if (FindDatagram(packet, part, now) is not { } begun)
        {
            return false;
        }

        begun.Dead |= part.Start < begun.FirstEnd;
        begun.Complete |= !part.More;
        return !begun.Dead;
    }

    private Datagram? FindDatagram(OraclePacket packet, OraclePart part, int now) => _datagrams.GetValueOrDefault(Key(packet, part)) is { } found && now - found.Since <= FragmentPatience ? found : null;

    // Of IPv6 the protocol is no part of what names a datagram.
    private static (string, bool, byte, uint) Key(OraclePacket packet, OraclePart part) => (packet.Peer, packet.V6, packet.V6 ? (byte)0 : packet.Protocol, part.Id);

    private bool PassesWhole(OraclePacket packet, int now)
    {
        if (packet.Kind == PacketKind.IcmpAlways)
        {
            return true;
        }

        bool rules = Says(Applying(packet.Peer), packet.Kind, packet.LocalPort, DefaultDeny);
        if (packet.Kind is not (PacketKind.Tcp or PacketKind.Udp))
        {
            return rules;
        }

        Flow? flow = Find(packet);
        bool fresh = flow is { Open: false, Fin: false, Rst: false };
        bool answer = flow is { Ours: true } && (packet.Kind == PacketKind.Udp || !(packet.Syn && !packet.Ack) || fresh);
        if (answer)
        {
            flow!.Open |= packet is { Syn: true, Ack: true };
            flow.Fin |= packet.Fin;
            flow.Rst |= packet.Rst;
            flow.Last = now;
        }
        else if (rules && packet.Kind == PacketKind.Udp)
        {
            if (flow is null)
            {
                _flows.Add(flow = new Flow(packet));
            }

            flow.Last = now;
        }

        return answer || rules;
    }

    private static bool IsAbout(FilterRule rule, PacketKind kind, ushort port)
    {
        bool hasPorts = kind is PacketKind.Tcp or PacketKind.Udp;
        bool protocol = rule.Protocol == FilterProtocol.Any
            || (rule.Protocol == FilterProtocol.Tcp && kind == PacketKind.Tcp)
            || (rule.Protocol == FilterProtocol.Udp && kind == PacketKind.Udp)
            || (rule.Protocol == FilterProtocol.Icmp && kind == PacketKind.Icmp);
        return protocol && (rule.Ports == PortRange.All || (hasPorts && rule.Ports.First <= port && port <= rule.Ports.Last));
    }

    private List<(FilterLayer, FilterRule)> Applying(string peer) => [.. Rules
        .Where(r => r.Rule.Source.Kind == FilterSourceKind.Any || IsIn(r.Rule.Source, peer) || r.Rule.Source == new FilterSource(FilterSourceKind.Peer, peer))
        .Select(r => (r.Layer, r.Rule))];

    private bool IsIn(FilterSource source, string peer) =>
        source.Kind == FilterSourceKind.Group && (source.Name == "everyone" || (Groups.TryGetValue(source.Name, out string[]? members) && members.Contains(peer)));

    private Flow? Find(OraclePacket packet) => _flows.Find(f => f.Is(packet));

    private void Forget(int now) => _flows.RemoveAll(f => now - f.Last > f.Patience);

    private sealed class Datagram
    {
        public bool Complete, Dead;
        public int Since, FirstEnd;
    }

    private sealed class Flow(OraclePacket packet)
    {
        public bool Ours, Open, Fin, Rst;
        public int Last;

        public int Patience => packet.Kind == PacketKind.Udp ? 300 : Rst ? 10 : Fin || !Open ? 240 : 5 * 24 * 3600;

        public bool Is(OraclePacket other) =>
            (packet.Peer, packet.V6, packet.Kind, packet.LocalPort, packet.RemotePort) == (other.Peer, other.V6, other.Kind, other.LocalPort, other.RemotePort);
    }
}
