namespace TunnelMesh.Coordinator.Rendezvous;

/// <summary>A token bucket for the messages of one stream. One user at a time.</summary>
/// <param name="time">Clock.</param>
internal sealed class MessageBudget(TimeProvider time)
{
    /// <summary>Most that can be saved up, and what comes back per second.</summary>
    internal const double Burst = 60, PerSecond = 5;

    private double _left = Burst;
    private long _at = time.GetTimestamp();

    /// <summary>Takes the price of one message; false when there is not enough left.</summary>
    internal bool TryTake(double price)
    {
        long now = time.GetTimestamp();
        _left = Math.Min(Burst, _left + (time.GetElapsedTime(_at, now).TotalSeconds * PerSecond));
        _at = now;
        if (_left < price)
        {
            return false;
        }
        _left -= price;
        return true;
    }
}
