namespace TunnelMesh.Platform.Sockets;

/// <summary>
/// Destinations to which the system refused a train of datagrams, remembered for a while: the device on the way cannot compute
/// checksums, or the path's MTU is below the datagrams. Any thread; costs one read while there are none.
/// </summary>
internal sealed class SegmentationRefusals(TimeProvider time)
{
    /// <summary>How long a destination is sent single datagrams before a train is tried again.</summary>
    public static readonly TimeSpan Remembered = TimeSpan.FromMinutes(1);

    private const int Capacity = 64;

    private readonly Lock _lock = new();
    private readonly (UdpEndpoint Destination, long Since)[] _entries = new (UdpEndpoint, long)[Capacity];
    private int _next;
    private int _count;
    private long _total;

    /// <summary>How often a train was refused.</summary>
    public long Total => Interlocked.Read(ref _total);

    /// <summary>True while a destination is to get single datagrams.</summary>
    public bool Contains(in UdpEndpoint destination)
    {
        if (Volatile.Read(ref _count) == 0)
        {
            return false;
        }

        lock (_lock)
        {
            int at = Find(destination);
            if (at < 0)
            {
                return false;
            }

            if (time.GetElapsedTime(_entries[at].Since) < Remembered)
            {
                return true;
            }

            _entries[at] = default;
            Volatile.Write(ref _count, _count - 1);
            return false;
        }
    }

    /// <summary>Notes a refusal; with no place left the oldest note is forgotten.</summary>
    public void Add(in UdpEndpoint destination)
    {
        Interlocked.Increment(ref _total);
        lock (_lock)
        {
            int at = Find(destination);
            if (at < 0)
            {
                at = _next;
                _next = (_next + 1) % Capacity;
                Volatile.Write(ref _count, _count + (_entries[at].Destination.IsNone ? 1 : 0));
            }

            _entries[at] = (destination, time.GetTimestamp());
        }
    }

    private int Find(in UdpEndpoint destination)
    {
        for (int i = 0; i < Capacity; i++)
        {
            if (_entries[i].Destination == destination)
            {
                return i;
            }
        }

        return -1;
    }
}
