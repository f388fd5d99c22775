using TunnelMesh.Protocol.Filter;
using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Node.Filter;

/// <summary>
/// Decides which packets of other devices come in. One thread a gate, its pipeline's; what it keeps of flows is the table that all gates of a device share. Nothing here allocates, and a run of
/// packets of one flow costs one decision.
/// <code>
/// 1 memo       a plain packet of the flow before it          -> as that
/// 2 classify   what cannot be told, or is made to deceive    -> drop
/// 3 fragments  without a first one that passed, or into it   -> drop
/// 4 echo, errors of ICMP                                     -> pass
/// 5 table      of a flow that this device began              -> pass
/// 6 rules      compiled for this very device                 -> pass, or drop
/// </code>
/// </summary>
/// <param name="filter">Rules and table of the device.</param>
internal sealed class InboundGate(PacketFilter filter)
{
    /// <summary>Packets that are looked at ahead.</summary>
    public const int Ahead = 16;

    // Packets of so many bytes are looked at ahead: of larger ones, which mostly come in trains of one flow, reading them twice would cost more than waiting for memory.
    private const int MaxExpected = 256;

    private readonly FirstFragments _fragments = new(filter.Secret, filter.FragmentLifetime);
    private readonly FlowPlace[] _expected = new FlowPlace[Ahead];
    private int _expecting;
    private FlowMemo _ahead, _memo;
    private FilterPeer _peer = null!;
    private ActiveRule? _rule;
    private bool _open, _memoAdmits;
    private int _hits;
    private long _now;

    /// <summary>Begins a run of one device's packets.</summary>
    /// <param name="peer">From whom.</param>
    /// <param name="now">Timestamp.</param>
    public void Begin(FilterPeer peer, long now)
    {
        (_peer, _now, _open) = (peer, now, filter.IsOpen);
        _memo.Clear();
        _ahead.Clear();
    }

    /// <summary>
    /// Has the processor fetch what the decision about a packet will read. To be called for up to <see cref="Ahead"/> packets of the run before <see cref="FetchExpected"/> and then <see cref="Admit"/>: where each
    /// is of another flow, most of the time would go by waiting for memory.
    /// </summary>
    /// <param name="plain">The packet, of which nothing is known yet.</param>
    public void Expect(ReadOnlySpan<byte> plain)
    {
        if (_open || !ConnectionTable.CanFetch || plain.Length > MaxExpected || _expecting == Ahead || !IpPacket.TryParse(plain, out IpPacket packet) || _ahead.Is(packet))
        {
            return;
        }

        _ahead.Set(packet);
        PacketClass kind = PacketClassifier.Classify(packet);
        if (kind.Kind is PacketKind.Tcp or PacketKind.Udp)
        {
            _expected[_expecting++] = filter.Table.Expect(FlowKey.OfInbound(packet, kind));
        }
    }

    /// <summary>The second step of <see cref="Expect"/>.</summary>
    public void FetchExpected()
    {
        foreach (FlowPlace place in _expected.AsSpan(0, _expecting))
        {
            filter.Table.Fetch(place);
        }

        _expecting = 0;
    }

    /// <summary>Ends the run: counts what rules have decided.</summary>
    public void End()
    {
        if (_hits > 0)
        {
            _rule?.CountHits(_hits);
            _hits = 0;
        }
    }

    /// <summary>Whether a packet of the run passes. What does not is counted for its device.</summary>
    /// <param name="packet">A packet whose source the device may use, and that is for this device.</param>
    public bool Admit(in IpPacket packet)
    {
        if (_open)
        {
            return true;
        }

        if (_memo.Is(packet))
        {
            _hits++;
            if (!_memoAdmits)
            {
                _peer.CountDropped(packet.Protocol);
            }

            return _memoAdmits;
        }

        PacketClass kind = PacketClassifier.Classify(packet);
        bool admits = Decide(packet, kind, out ActiveRule? rule);
        if (kind.HasFollowers && kind.Kind != PacketKind.Refused)
        {
            admits = _fragments.TryBegin(_peer, packet, kind, admits, _now);
        }

        Count(rule);
        if (!admits)
        {
            _peer.CountDropped(packet.Protocol);
        }

        _memo.Set(packet);
        _memoAdmits = admits;
        return admits;
    }

    private bool Decide(in IpPacket packet, in PacketClass kind, out ActiveRule? rule)
    {
        rule = null;
        switch (kind.Kind)
        {
            case PacketKind.IcmpAlways:
                return true;
            case PacketKind.Refused:
                return false;
            case PacketKind.LaterFragment:
                return _fragments.Follows(_peer, packet, kind, _now);
            case PacketKind.Tcp:
                return IsAnswer(packet, kind) || ByRules(kind, out rule);
            case PacketKind.Udp:
                FlowKey key = FlowKey.OfInbound(packet, kind);
                bool known = filter.Table.TryFind(key, _peer, _now, out FoundConnection found);
                bool admits = (known && (found.Flags & ConnectionFlags.Ours) != 0) || ByRules(kind, out rule);
                if (known && admits)
                {
                    filter.Table.Touch(found, _now);
                }
                else if (admits)
                {
                    // Remembered, so that the answer is not taken for a flow of ours, which would outlive the rule.
                    filter.Table.TryBegin(key, _peer, ConnectionFlags.None, _now);
                }

                return admits;
            default:
                return ByRules(kind, out rule);
        }
    }

    private bool ByRules(in PacketClass kind, out ActiveRule? rule)
    {
        FilterVerdict verdict = _peer.Rules.Decide(kind.Kind, kind.DestinationPort);
        rule = verdict.Rule;
        return verdict.Allows;
    }

    private bool IsAnswer(in IpPacket packet, in PacketClass kind)
    {
        FlowKey key = FlowKey.OfInbound(packet, kind);
        if (!filter.Table.TryFind(key, _peer, _now, out FoundConnection found))
        {
            return false;
        }

        bool syn = (kind.TcpFlags & PacketClass.Syn) != 0, ack = (kind.TcpFlags & PacketClass.Ack) != 0;
        if (syn && !ack && found.Flags != ConnectionFlags.Ours)
        {
            // Both may begin at once (RFC 9293, section 3.5), but this one begins something else, between the same ports.
            return false;
        }

        // Only their SYN with an acknowledgement opens what ours has begun.
        ConnectionFlags news = (syn && ack ? ConnectionFlags.Answered : 0)
            | ((kind.TcpFlags & PacketClass.Fin) != 0 ? ConnectionFlags.FinReceived : 0)
            | ((kind.TcpFlags & PacketClass.Rst) != 0 ? ConnectionFlags.Reset : 0);
        if ((news & ~found.Flags) != 0)
        {
            filter.Table.Advance(key, _peer, news, _now);
        }
        else
        {
            filter.Table.Touch(found, _now);
        }

        return true;
    }

    private void Count(ActiveRule? rule)
    {
        if (!ReferenceEquals(rule, _rule))
        {
            End();
            _rule = rule;
        }

        _hits++;
    }
}
