using TunnelMesh.Protocol.Filter;
using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Node.Filter;

/// <summary>
/// Sees what this device sends, so that answers pass. It stops nothing. One thread a gate, its pipeline's; nothing here allocates, and the packets of a flow that follow each other cost one look.
/// Of many flows each look waits for memory, so it is taken two packets later: one packet for the bucket to come, and one for the entry. <see cref="Settle"/> takes those that are left.
/// </summary>
/// <param name="filter">Rules and table of the device.</param>
internal sealed class OutboundGate(PacketFilter filter)
{
    // Where programs get their port from the system (Linux: 32768-60999, others: 49152-65535), it is the client's.
    private const int FirstEphemeralPort = 32768;

    private FlowMemo _memo;
    private FilterPeer? _peer;
    private long _notedAt;
    private Look _younger, _older;

    /// <summary>Notes a packet or super-packet.</summary>
    /// <param name="peer">To whom.</param>
    /// <param name="packet">The packet.</param>
    /// <param name="now">Timestamp.</param>
    public void Note(FilterPeer peer, in IpPacket packet, long now)
    {
        if (filter.IsOpen || (ReferenceEquals(peer, _peer) && now - _notedAt < filter.Second && _memo.Is(packet)))
        {
            return;
        }

        _memo.Set(packet);
        (_peer, _notedAt) = (peer, now);
        PacketClass kind = PacketClassifier.Classify(packet);
        if (kind.Kind is not (PacketKind.Tcp or PacketKind.Udp))
        {
            return;
        }

        Take(ref _older);
        if (_younger.Peer is not null)
        {
            filter.Table.Fetch(_younger.Place);
            _older = _younger;
        }

        FlowKey key = FlowKey.OfOutbound(packet, kind);
        _younger = new Look { Peer = peer, Key = key, Kind = kind, At = now, Place = filter.Table.Expect(key) };
    }

    /// <summary>Notes what has been seen by now. To be called before it is sent.</summary>
    public void Settle()
    {
        Take(ref _older);
        Take(ref _younger);
    }

    private void Take(ref Look look)
    {
        if (look.Peer is not { } peer)
        {
            return;
        }

        look.Peer = null;
        if (look.Kind.Kind == PacketKind.Tcp)
        {
            NoteTcp(peer, look.Key, look.Kind, look.At);
        }
        else
        {
            NoteUdp(peer, look.Key, look.Kind, look.At);
        }
    }

    private void NoteTcp(FilterPeer peer, in FlowKey key, in PacketClass kind, long now)
    {
        const byte Opening = PacketClass.Syn | PacketClass.Ack | PacketClass.Rst | PacketClass.Fin;
        if ((kind.TcpFlags & Opening) == PacketClass.Syn)
        {
            filter.Table.TryBegin(key, peer, ConnectionFlags.Ours, now);
        }
        else if (filter.Table.TryFind(key, peer, now, out FoundConnection found))
        {
            ConnectionFlags news = ((kind.TcpFlags & PacketClass.Fin) != 0 ? ConnectionFlags.FinSent : 0)
                | ((kind.TcpFlags & PacketClass.Rst) != 0 ? ConnectionFlags.Reset : 0);
            if ((news & ~found.Flags) != 0)
            {
                filter.Table.Advance(key, peer, news, now);
            }
            else
            {
                filter.Table.Touch(found, now);
            }
        }
        else if (now < filter.PicksUpUntil && (kind.TcpFlags & Opening) == PacketClass.Ack && kind.SourcePort >= FirstEphemeralPort
            && peer.Rules.Decide(PacketKind.Tcp, kind.SourcePort) is { Allows: false, Rule: null })
        {
            // Begun before the filter could see it.
            filter.Table.TryBegin(key, peer, ConnectionFlags.Ours | ConnectionFlags.Answered, now);
        }
    }

    private void NoteUdp(FilterPeer peer, in FlowKey key, in PacketClass kind, long now)
    {
        if (filter.Table.TryFind(key, peer, now, out FoundConnection found))
        {
            filter.Table.Touch(found, now);
            return;
        }

        // It may be the answer in a flow that had to give way.
        bool answers = peer.HasPushedOut(now) && peer.Rules.Decide(PacketKind.Udp, kind.SourcePort).Allows;
        filter.Table.TryBegin(key, peer, answers ? ConnectionFlags.None : ConnectionFlags.Ours, now);
    }

    /// <summary>A look at the table that is still to be taken.</summary>
    private struct Look
    {
        public FilterPeer? Peer;
        public FlowKey Key;
        public PacketClass Kind;
        public long At;
        public FlowPlace Place;
    }
}
