namespace TunnelMesh.Cli.Hosting;

/// <summary>Has a loop that sleeps look at once. Any number of nudges before it looks count as one.</summary>
/// <param name="time">Times the sleep.</param>
internal sealed class Nudge(TimeProvider time) : IDisposable
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
    /// <exception cref="OperationCanceledException">It was ended.</exception>
    public async Task<bool> WaitAsync(TimeSpan limit, CancellationToken cancel)
    {
        using CancellationTokenSource late = new(limit, time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancel);
        try
        {
            await _pending.WaitAsync(either.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _pending.Dispose();
}
