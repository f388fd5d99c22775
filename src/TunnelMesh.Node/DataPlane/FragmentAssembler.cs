using TunnelMesh.Node.Sessions;

namespace TunnelMesh.Node.DataPlane;

/// <summary>
/// Puts parts of inner packets together (<see cref="Protocol.Framing.PathFragment"/>). Parts count once and may come in any order; what overlaps or does not fit is dropped. A fixed number of
/// packets is open at a time, the oldest gives way. One thread.
/// </summary>
/// <param name="mtu">The largest packet in bytes.</param>
/// <param name="limit">How long the parts of a packet may take, in timestamp units.</param>
internal sealed class FragmentAssembler(int mtu, long limit)
{
    /// <summary>Packets open at a time, those of one peer, and parts a packet has at most.</summary>
    public const int MaxOpen = 32, MaxOpenOfOne = 4, MaxParts = 8;

    private long _begun;
    private readonly Slot?[] _slots = new Slot?[MaxOpen];

    /// <summary>Takes a part.</summary>
    /// <param name="tunnel">From whom.</param>
    /// <param name="number">Number of the packet.</param>
    /// <param name="total">Length of the packet in bytes.</param>
    /// <param name="offset">Where the part begins.</param>
    /// <param name="part">The part; copied.</param>
    /// <param name="now">Timestamp.</param>
    /// <param name="refused">True when the part was of no use.</param>
    /// <returns>The whole packet, valid until the next call; empty while parts are missing.</returns>
    public ReadOnlySpan<byte> Add(PeerTunnel tunnel, ushort number, int total, int offset, ReadOnlySpan<byte> part, long now, out bool refused)
    {
        refused = total > mtu;
        if (refused)
        {
            return default;
        }

        int free = 0, own = -1, count = 0;
        Slot? slot = null;
        for (int i = 0; i < MaxOpen && slot is null; i++)
        {
            bool mine = _slots[i] is { } known && ReferenceEquals(known.Tunnel, tunnel);
            if (mine && _slots[i]!.Number == number && _slots[i]!.Total == total && now - _slots[i]!.Since <= limit)
            {
                slot = _slots[i];
            }
            else if (mine)
            {
                count++;
                own = own < 0 || OrderOf(i) < OrderOf(own) ? i : own;
            }

            free = OrderOf(i) < OrderOf(free) ? i : free;
        }

        if (slot is null)
        {
            // Nobody pushes out more than a few of others'.
            int place = count >= MaxOpenOfOne ? own : free;
            slot = _slots[place] ??= new Slot(mtu);
            slot.Begin(tunnel, number, total, now, ++_begun);
        }

        refused = !slot.TryAdd(offset, part);
        if (refused || !slot.IsWhole)
        {
            return default;
        }

        ReadOnlySpan<byte> packet = slot.Packet;
        slot.End();
        return packet;
    }

    private long OrderOf(int place) => _slots[place]?.Order ?? 0;

    private sealed class Slot(int mtu)
    {
        private readonly byte[] _bytes = new byte[mtu];
        private readonly (int From, int To)[] _parts = new (int, int)[MaxParts];
        private int _count, _filled;

        public PeerTunnel? Tunnel { get; private set; }

        public ushort Number { get; private set; }

        public int Total { get; private set; }

        public long Since { get; private set; }

        /// <summary>The how-manieth packet begun; 0 when it is over.</summary>
        public long Order { get; private set; }

        public bool IsWhole => _filled == Total;

        public ReadOnlySpan<byte> Packet => _bytes.AsSpan(0, Total);

        public void Begin(PeerTunnel tunnel, ushort number, int total, long now, long order) =>
            (Tunnel, Number, Total, Since, Order, _count, _filled) = (tunnel, number, total, now, order, 0, 0);

        public void End() => (Tunnel, Order) = (null, 0);

        public bool TryAdd(int offset, ReadOnlySpan<byte> part)
        {
            int to = offset + part.Length;
            for (int i = 0; i < _count; i++)
            {
                if (offset < _parts[i].To && _parts[i].From < to)
                {
                    return false;
                }
            }

            if (_count == MaxParts)
            {
                return false;
            }

            part.CopyTo(_bytes.AsSpan(offset));
            _parts[_count++] = (offset, to);
            _filled += part.Length;
            return true;
        }
    }
}
