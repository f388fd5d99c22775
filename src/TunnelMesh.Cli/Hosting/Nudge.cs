namespace TunnelMesh.Cli.Hosting;

/// <summary>Has a loop that sleeps look at once. Any number of nudges before it looks count as one.</summary>
internal sealed class Nudge : IDisposable
{
    private readonly SemaphoreSlim _pending = new(0, 1);

    /// <summary>Any thread; also when nobody sleeps any more.</summary>
    public void Give()
    {
        try
        {
            _pending.Release();
        }
        catch (Exception e) when (e is SemaphoreFullException or ObjectDisposedException)
        {
            // It is about to look anyway, or stops.
        }
    }

    /// <summary>Sleeps until there is one.</summary>
    /// <param name="limit">How long at most.</param>
    /// <param name="cancel">Ends it.</param>
    /// <returns>False when time was up.</returns>
    public Task<bool> WaitAsync(TimeSpan limit, CancellationToken cancel) => _pending.WaitAsync(limit, cancel);

    /// <inheritdoc/>
    public void Dispose() => _pending.Dispose();
}
