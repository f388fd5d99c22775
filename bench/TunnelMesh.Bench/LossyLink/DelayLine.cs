namespace TunnelMesh.Bench.LossyLink;

/// <summary>
/// One direction of a <see cref="LossyLink"/>: a bounded queue of packets, each due a fixed time after it came; in order, no rate of its own.
/// Which packets are lost depends on the seed and their order alone. No clock, no I/O; one thread. Allocates nothing after construction.
/// </summary>
internal sealed class DelayLine(int capacity, int packetSize, double loss, long delay, int seed)
{
    // One place more, for the packet that is being looked at.
    private readonly byte[] _packets = new byte[(capacity + 1) * packetSize];
    private readonly (int Length, long Due)[] _entries = new (int, long)[capacity + 1];
    private Random _random = new(seed);
    private int _first, _count;

    /// <summary>Packets taken since the start.</summary>
    public long Taken { get; private set; }

    /// <summary>Of those, how many the link lost.</summary>
    public long Lost { get; private set; }

    /// <summary>Of those, how many found the queue full.</summary>
    public long Overflowed { get; private set; }

    /// <summary>When the next packet is due, in the caller's ticks; <see cref="long.MaxValue"/> for none.</summary>
    public long NextDue => _count == 0 ? long.MaxValue : _entries[_first].Due;

    /// <summary>Room for the next packet, of one packet's size; a packet that was put there is taken by <see cref="Take"/>.</summary>
    public Span<byte> Room => Slot((_first + _count) % _entries.Length);

    /// <summary>From the next packet on, those are lost that another seed decides.</summary>
    public void Reseed(int newSeed) => _random = new Random(newSeed);

    /// <summary>Takes the packet in <see cref="Room"/>, or not.</summary>
    /// <param name="length">Its length in bytes.</param>
    /// <param name="now">In the caller's ticks.</param>
    public void Take(int length, long now)
    {
        Taken++;
        if (_random.NextDouble() < loss)
        {
            Lost++;
        }
        else if (_count == capacity)
        {
            Overflowed++;
        }
        else
        {
            _entries[(_first + _count++) % _entries.Length] = (length, now + delay);
        }
    }

    /// <summary>The packet that is due, until the next call; empty when none is.</summary>
    /// <param name="now">In the caller's ticks.</param>
    public ReadOnlySpan<byte> Give(long now)
    {
        if (NextDue > now)
        {
            return default;
        }

        ReadOnlySpan<byte> packet = Slot(_first)[.._entries[_first].Length];
        _first = (_first + 1) % _entries.Length;
        _count--;
        return packet;
    }

    private Span<byte> Slot(int index) => _packets.AsSpan(index * packetSize, packetSize);
}
