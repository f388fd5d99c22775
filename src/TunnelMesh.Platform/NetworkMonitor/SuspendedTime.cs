namespace TunnelMesh.Platform.NetworkMonitor;

/// <summary>How long the machine has slept since it started.</summary>
internal static class SuspendedTime
{
    private const int Tries = 5;
    private static readonly TimeSpan Close = TimeSpan.FromMilliseconds(10);

    public static Func<TimeSpan> Of(ISystemClocks clocks) => () => Read(clocks);

    /// <summary>Reads both clocks; anew when this thread was held up between the two.</summary>
    public static TimeSpan Read(ISystemClocks clocks)
    {
        TimeSpan least = TimeSpan.MaxValue;
        for (int i = 0; i < Tries; i++)
        {
            TimeSpan before = clocks.WithoutSleep, with = clocks.WithSleep, after = clocks.WithoutSleep;
            TimeSpan slept = with - before;
            least = slept < least ? slept : least;
            if (after - before <= Close)
            {
                return slept;
            }
        }

        return least;
    }
}
