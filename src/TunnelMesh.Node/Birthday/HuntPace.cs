namespace TunnelMesh.Node.Birthday;

/// <summary>Holds probes to 200 in any second: 196 a second, and up to 4 at once where a thread was late.</summary>
/// <param name="ticksPerSecond">Of the timestamps.</param>
internal sealed class HuntPace(long ticksPerSecond)
{
    /// <summary>Probes a second, and at once.</summary>
    public const int PerSecond = 196, AtOnce = 4;

    private readonly long _interval = (ticksPerSecond + PerSecond - 1) / PerSecond;
    private long _next = long.MinValue / 2;

    /// <summary>When the next probe may go.</summary>
    public long Due => _next - ((AtOnce - 1) * _interval);

    /// <summary>Takes the right to one probe.</summary>
    public bool TryTake(long now)
    {
        if (now < Due)
        {
            return false;
        }

        _next = Math.Max(_next, now) + _interval;
        return true;
    }
}
