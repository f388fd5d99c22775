using System.Buffers;
using TunnelMesh.Node.Paths;

namespace TunnelMesh.Node.DataPlane;

/// <summary>
/// What carriers brought for one lane, in order, until it has its turn. Any thread adds and the lane's own takes. The lock is held for a few
/// instructions; the bytes are copied outside of it into pooled buffers.
/// </summary>
/// <param name="wake">Ends the lane's wait.</param>
internal sealed class CarrierInbox(Action wake)
{
    /// <summary>Bytes kept at most. More than a lane opens in 10 ms: a stream's own flow control does the rest.</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    private readonly Lock _lock = new();
    private readonly Queue<(byte[] Buffer, ReceivedTrain Train)> _trains = new();
    private int _bytes, _count;

    /// <summary>Adds datagrams.</summary>
    /// <returns>False when there is no room.</returns>
    public bool TryAdd(in PathAddress source, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        if (Interlocked.Add(ref _bytes, datagrams.Length) > MaxBytes)
        {
            Interlocked.Add(ref _bytes, -datagrams.Length);
            return false;
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(datagrams.Length);
        datagrams.CopyTo(buffer);
        lock (_lock)
        {
            _trains.Enqueue((buffer, new ReceivedTrain(0, datagrams.Length, segmentSize, source)));
        }

        Interlocked.Increment(ref _count);
        wake();
        return true;
    }

    /// <summary>Takes the oldest datagrams; the caller gives the buffer back with <see cref="Return"/>.</summary>
    public bool TryTake(out byte[] buffer, out ReceivedTrain train)
    {
        (buffer, train) = ([], default);
        if (Volatile.Read(ref _count) == 0)
        {
            return false;
        }

        lock (_lock)
        {
            (buffer, train) = _trains.Dequeue();
        }

        Interlocked.Decrement(ref _count);
        Interlocked.Add(ref _bytes, -train.Length);
        return true;
    }

    /// <summary>Gives a buffer back.</summary>
    public static void Return(byte[] buffer) => ArrayPool<byte>.Shared.Return(buffer);
}
