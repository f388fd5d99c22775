namespace TunnelMesh.Coordinator.Relay;

/// <summary>A token bucket of bytes for one device. Thread-safe, since a stream that is replaced may still be read for a moment.</summary>
/// <param name="perSecond">Bytes that come back each second.</param>
/// <param name="burst">Most bytes that can be saved up.</param>
/// <param name="time">Clock.</param>
internal sealed class ByteBudget(long perSecond, long burst, TimeProvider time)
{
    private readonly Lock _lock = new();
    private double _left = burst;
    private long _at = time.GetTimestamp();

    /// <summary>True when all is saved up: it may then be forgotten and made anew.</summary>
    internal bool IsFull
    {
        get
        {
            lock (_lock)
            {
                Fill();
                return _left >= burst;
            }
        }
    }

    /// <summary>Takes bytes; false when there are not enough left.</summary>
    internal bool TryTake(int bytes)
    {
        lock (_lock)
        {
            Fill();
            if (_left < bytes)
            {
                return false;
            }
            _left -= bytes;
            return true;
        }
    }

    private void Fill()
    {
        long now = time.GetTimestamp();
        _left = Math.Min(burst, _left + (time.GetElapsedTime(_at, now).TotalSeconds * perSecond));
        _at = now;
    }
}
