namespace TunnelMesh.Cli.Hosting;

/// <summary>
/// Which signal ends a command in order, and which at once, as the system would. The first ends it in order. One that comes right after it is the same one still: `timeout` of GNU, for one, sends each twice. Any thread.
/// </summary>
/// <param name="stop">Cancelled by the first signal.</param>
/// <param name="time">The clock.</param>
internal sealed class StopSignals(CancellationTokenSource stop, TimeProvider time)
{
    /// <summary>How long after the first signal others count as the same one.</summary>
    internal static readonly TimeSpan SameOne = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private long? _first;

    /// <summary>Takes a signal.</summary>
    /// <returns>True where the command ends, or goes on ending, in order; false where it is to end at once.</returns>
    public bool Take()
    {
        bool same;
        lock (_gate)
        {
            long now = time.GetTimestamp();
            same = time.GetElapsedTime(_first ??= now, now) < SameOne;
        }
        stop.Cancel();
        return same;
    }
}
