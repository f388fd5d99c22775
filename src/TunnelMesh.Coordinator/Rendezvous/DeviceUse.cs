using System.Net;

namespace TunnelMesh.Coordinator.Rendezvous;

/// <summary>
/// Tells a device that comes back from two machines that use one device key. A newer stream always replaces an older one, since
/// the older may be half open. Two running programs are proved when one that was replaced returns: a program that moved to another network
/// keeps its instance, and one that was restarted leaves its old instance behind for good. A copied memory image has the same
/// instance on both machines; it shows by the address changing back and forth. While two are proved, both are refused.
/// Pure but for the clock; not thread-safe.
/// </summary>
/// <param name="time">Clock.</param>
internal sealed class DeviceUse(TimeProvider time)
{
    /// <summary>
    /// How long a refused program counts after its last try. Longer than the pause it is told, so two that keep trying
    /// never get in by turns.
    /// </summary>
    internal static readonly TimeSpan Memory = TimeSpan.FromSeconds(150);

    /// <summary>Changes of address within <see cref="Memory"/> that one program does not make by moving.</summary>
    internal const int MaxMoves = 6;

    private const int MaxInstances = 8;
    private readonly List<Entry> _instances = [];
    private readonly Queue<long> _moves = new();
    private string _current = "";
    private IPAddress? _address;

    /// <summary>True when nothing in here matters any more.</summary>
    internal bool IsOld => _instances.TrueForAll(i => IsPast(i.Last));

    /// <summary>A program asks for the device's stream. False: the device is in use on two machines, and no stream may live.</summary>
    /// <param name="instance">Of its hello.</param>
    /// <param name="address">Where it comes from.</param>
    /// <param name="replaces">True when another stream of the device lives now.</param>
    internal bool Enter(string instance, IPAddress address, bool replaces)
    {
        long now = time.GetTimestamp();
        // The one whose stream lives is as present as the one that asks.
        if (replaces && _instances.Find(i => i.Name == _current) is { } holder)
        {
            holder.Last = now;
        }
        _instances.RemoveAll(i => IsPast(i.Last));
        while (_moves.TryPeek(out long oldest) && IsPast(oldest))
        {
            _moves.Dequeue();
        }
        Entry? mine = _instances.Find(i => i.Name == instance);
        if (mine is null)
        {
            mine = new Entry(instance);
            if (_instances.Count < MaxInstances)
            {
                _instances.Add(mine);
            }
        }
        mine.Last = now;
        if (replaces && _current == instance && !address.Equals(_address))
        {
            _moves.Enqueue(now);
        }
        bool copied = _moves.Count >= MaxMoves;
        bool returned = mine.Replaced && _instances.Exists(i => i != mine);
        if (replaces && _current != instance && _instances.Find(i => i.Name == _current) is { } replaced)
        {
            replaced.Replaced = true;
        }
        if (returned)
        {
            _instances.ForEach(i => i.Replaced = true);
        }
        _current = instance;
        _address = address;
        if (copied || returned)
        {
            return false;
        }
        mine.Replaced = false;
        return true;
    }

    private bool IsPast(long at) => time.GetElapsedTime(at) >= Memory;

    private sealed class Entry(string name)
    {
        internal string Name { get; } = name;
        internal long Last { get; set; }

        /// <summary>Its stream was replaced by another program's.</summary>
        internal bool Replaced { get; set; }
    }
}
