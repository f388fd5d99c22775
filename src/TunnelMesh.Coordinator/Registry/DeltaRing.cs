namespace TunnelMesh.Coordinator.Registry;

/// <summary>
/// The newest deltas, encoded, each building on the one before. It is every viewer's send queue at once: a viewer holds only the
/// number it has, so one that does not keep up costs no memory, and falls back to the whole map when its number has left.
/// Thread-safe.
/// </summary>
/// <param name="maxCount">Deltas kept at most.</param>
/// <param name="maxBytes">Sum of their sizes at most; the newest is kept whatever its size.</param>
internal sealed class DeltaRing(int maxCount, long maxBytes)
{
    private readonly Lock _lock = new();
    private readonly MapMessage[] _items = new MapMessage[maxCount];
    private int _first, _count;
    private long _bytes, _floor;

    /// <summary>Adds the delta that builds on the newest one.</summary>
    /// <exception cref="ArgumentException">It builds on another number.</exception>
    internal void Add(MapMessage delta)
    {
        lock (_lock)
        {
            if (_count > 0 && At(_count - 1).Number != delta.From)
            {
                throw new ArgumentException("a delta builds on the newest one", nameof(delta));
            }
            while (_count > 0 && (_count == maxCount || _bytes + delta.Bytes.Length > maxBytes))
            {
                _bytes -= _items[_first].Bytes.Length;
                _items[_first] = null!;
                _first = (_first + 1) % maxCount;
                _count--;
            }
            _items[(_first + _count) % maxCount] = delta;
            _count++;
            _bytes += delta.Bytes.Length;
        }
    }

    /// <summary>Drops everything: a delta is missing, so that whoever holds less than this number needs the whole map.</summary>
    /// <param name="number">What the next delta builds on.</param>
    internal void Reset(long number)
    {
        lock (_lock)
        {
            Array.Clear(_items);
            _first = _count = 0;
            _bytes = 0;
            _floor = number;
        }
    }

    /// <summary>
    /// The first delta with something new for a viewer at <paramref name="number"/>; null when there is none.
    /// </summary>
    /// <param name="number">What the viewer holds.</param>
    /// <param name="behind">True when deltas the viewer needs have left.</param>
    internal MapMessage? After(long number, out bool behind)
    {
        lock (_lock)
        {
            behind = number < Oldest;
            if (behind || _count == 0 || number >= At(_count - 1).Number)
            {
                return null;
            }
            return At(IndexAfter(number));
        }
    }

    /// <summary>Bytes of the deltas after a number; <see cref="long.MaxValue"/> when some of them have left.</summary>
    internal long BytesAfter(long number)
    {
        lock (_lock)
        {
            if (number < Oldest)
            {
                return long.MaxValue;
            }
            if (_count == 0 || number >= At(_count - 1).Number)
            {
                return 0;
            }
            long sum = 0;
            for (int i = IndexAfter(number); i < _count; i++)
            {
                sum += At(i).Bytes.Length;
            }
            return sum;
        }
    }

    // The smallest number from which the deltas held lead on.
    private long Oldest => _count > 0 ? _items[_first].From : _floor;

    // The smallest index whose number is greater; the caller has made sure that there is one.
    private int IndexAfter(long number)
    {
        int low = 0, high = _count - 1;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (At(middle).Number > number)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }
        return low;
    }

    private MapMessage At(int index) => _items[(_first + index) % maxCount];
}
