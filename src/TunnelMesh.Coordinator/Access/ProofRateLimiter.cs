using System.Net;
using TunnelMesh.Protocol.Limits;

namespace TunnelMesh.Coordinator.Access;

/// <summary>Refuses proofs from an address (IPv6: a /64) that has failed too often in the last minute. Thread-safe, bounded memory.</summary>
/// <param name="time">Clock.</param>
public sealed class ProofRateLimiter(TimeProvider time)
{
    /// <summary>Failures after which an address has to wait.</summary>
    public const int MaxFailures = 5;

    /// <summary>Addresses remembered at most; beyond it the one whose last failure is oldest is forgotten.</summary>
    public const int MaxAddresses = 16384;

    /// <summary>How long a failure counts.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, LinkedListNode<Entry>> _table = [];
    // Oldest last failure first: expiry and eviction both take from the front.
    private readonly LinkedList<Entry> _order = new();

    /// <summary>Addresses remembered now.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _table.Count;
            }
        }
    }

    /// <summary>True when a proof from this address may be looked at.</summary>
    /// <param name="address">As seen on the connection.</param>
    /// <param name="retryAfter">How long to wait when false; else zero.</param>
    public bool MayTry(IPAddress address, out TimeSpan retryAfter)
    {
        IPAddress key = AddressGroup.Of(address);
        lock (_lock)
        {
            Forget();
            retryAfter = TimeSpan.Zero;
            if (_table.TryGetValue(key, out LinkedListNode<Entry>? node) && node.Value.Failures.Count >= MaxFailures)
            {
                retryAfter = Window - time.GetElapsedTime(node.Value.Failures.Peek());
            }
            if (retryAfter > TimeSpan.Zero)
            {
                return false;
            }
            retryAfter = TimeSpan.Zero;
            return true;
        }
    }

    /// <summary>Counts a failed proof.</summary>
    public void Failed(IPAddress address)
    {
        IPAddress key = AddressGroup.Of(address);
        lock (_lock)
        {
            Forget();
            if (_table.TryGetValue(key, out LinkedListNode<Entry>? node))
            {
                _order.Remove(node);
            }
            else
            {
                if (_table.Count >= MaxAddresses)
                {
                    Drop(_order.First!);
                }
                node = new LinkedListNode<Entry>(new Entry(key));
                _table.Add(key, node);
            }
            Queue<long> failures = node.Value.Failures;
            failures.Enqueue(time.GetTimestamp());
            if (failures.Count > MaxFailures)
            {
                failures.Dequeue();
            }
            node.Value.Last = time.GetTimestamp();
            _order.AddLast(node);
        }
    }

    private void Forget()
    {
        while (_order.First is { } oldest && time.GetElapsedTime(oldest.Value.Last) >= Window)
        {
            Drop(oldest);
        }
    }

    private void Drop(LinkedListNode<Entry> node)
    {
        _order.Remove(node);
        _table.Remove(node.Value.Key);
    }

    private sealed class Entry(IPAddress key)
    {
        internal IPAddress Key { get; } = key;
        internal Queue<long> Failures { get; } = new(MaxFailures + 1);
        internal long Last { get; set; }
    }
}
