using System.Net;

namespace TunnelMesh.Protocol.Limits;

/// <summary>
/// Bounds the connections that are no member's stream (yet), of one address (IPv6: a /64) and in all. The newest gets in and the oldest is cut: a member
/// proves itself within a few round trips, so whoever only holds connections open keeps nobody out. Where there are too many in all, the address with most of them loses
/// one, so whoever opens ever new ones keeps nobody else out either. Thread-safe.
/// </summary>
/// <param name="perAddress">Of one address, not counting those younger than <paramref name="grace"/>: a whole mesh may come back from behind one address at once. Whatever their age, no more than
/// half of <paramref name="inAll"/>, where that is more.</param>
/// <param name="inAll">Of all addresses, whatever their age.</param>
/// <param name="grace">How long a connection has to prove itself before it may be cut for its address's sake.</param>
/// <param name="time">Clock.</param>
public sealed class ConnectionGate(int perAddress, int inAll, TimeSpan grace, TimeProvider time)
{
    private readonly int _share = Math.Max(perAddress, inAll / 2);
    private readonly Lock _lock = new();
    private readonly LinkedList<Slot> _all = new();
    private readonly Dictionary<IPAddress, LinkedList<Slot>> _groups = [];
    // Those of the address that had most when its last one came in; it may have lost some since.
    private LinkedList<Slot> _most = new();

    /// <summary>Connections counted now.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _all.Count;
            }
        }
    }

    /// <summary>A connection comes in; it counts until its slot is left.</summary>
    /// <param name="address">Where from.</param>
    /// <param name="cut">Ends the connection; called once at most, on the thread of a newer one.</param>
    public Slot Enter(IPAddress address, Action cut)
    {
        IPAddress key = AddressGroup.Of(address);
        List<Slot> gone = [];
        Slot slot;
        lock (_lock)
        {
            if (!_groups.TryGetValue(key, out LinkedList<Slot>? group))
            {
                _groups.Add(key, group = new LinkedList<Slot>());
            }
            slot = new Slot(this, key, cut, time.GetTimestamp());
            slot.InGroup = group.AddLast(slot);
            slot.InAll = _all.AddLast(slot);
            _most = group.Count >= _most.Count ? group : _most;
            while (group.Count > perAddress && (group.Count > _share || time.GetElapsedTime(group.First!.Value.Since) >= grace))
            {
                Remove(group.First!.Value, gone);
            }
            while (_all.Count > inAll)
            {
                Slot oldest = _all.First!.Value;
                Remove(_most.Count > _groups[oldest.Key].Count ? _most.First!.Value : oldest, gone);
            }
        }
        gone.ForEach(g => g.Cut());
        return slot;
    }

    private void Leave(Slot slot)
    {
        lock (_lock)
        {
            if (slot.InAll?.List is not null)
            {
                Remove(slot, null);
            }
        }
    }

    private void Remove(Slot slot, List<Slot>? gone)
    {
        gone?.Add(slot);
        _all.Remove(slot.InAll!);
        LinkedList<Slot> group = _groups[slot.Key];
        group.Remove(slot.InGroup!);
        if (group.Count == 0)
        {
            _groups.Remove(slot.Key);
        }
    }

    /// <summary>The place of one connection.</summary>
    public sealed class Slot
    {
        private readonly ConnectionGate _gate;
        private readonly Action _cut;

        internal Slot(ConnectionGate gate, IPAddress key, Action cut, long since) => (_gate, Key, _cut, Since) = (gate, key, cut, since);

        internal IPAddress Key { get; }

        internal long Since { get; }

        internal LinkedListNode<Slot>? InAll { get; set; }

        internal LinkedListNode<Slot>? InGroup { get; set; }

        /// <summary>The connection has become a member's stream, or has ended: it counts no more. May be called again.</summary>
        public void Leave() => _gate.Leave(this);

        internal void Cut() => _cut();
    }
}
