namespace TunnelMesh.Cli.Hosting;

/// <summary>Looks again and again: after a pause, and without one when told to. A look that fails is told of, and is not the last. Any thread.</summary>
internal sealed class RepeatedLook : IAsyncDisposable
{
    private readonly Func<CancellationToken, Task> _look;
    private readonly Action<Exception> _failed;
    private readonly TimeSpan _every;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _notice = new(0, 1);
    private readonly Task _running;

    /// <summary>Begins, with a pause.</summary>
    /// <param name="look">One look; given up when this is disposed.</param>
    /// <param name="failed">Told of a look that failed after one that did not, or by another fault.</param>
    /// <param name="every">The pause.</param>
    /// <param name="time">Times it.</param>
    public RepeatedLook(Func<CancellationToken, Task> look, Action<Exception> failed, TimeSpan every, TimeProvider time)
    {
        (_look, _failed, _every, _time) = (look, failed, every, time);
        _running = Task.Run(RunAsync);
    }

    /// <summary>Looks without a pause.</summary>
    public void Now()
    {
        try
        {
            _notice.Release();
        }
        catch (Exception e) when (e is SemaphoreFullException or ObjectDisposedException)
        {
            // It is about to look anyway, or stops.
        }
    }

    /// <summary>Ends it. Does not throw, whatever became of the looks.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        _notice.Dispose();
    }

    private async Task RunAsync()
    {
        Type? fault = null;
        try
        {
            while (true)
            {
                await PauseAsync().ConfigureAwait(false);
                try
                {
                    await _look(_stop.Token).ConfigureAwait(false);
                    fault = null;
                }
                catch (Exception e) when (!_stop.IsCancellationRequested)
                {
                    if (fault != e.GetType())
                    {
                        _failed(e);
                    }
                    fault = e.GetType();
                }
            }
        }
        catch (Exception) when (_stop.IsCancellationRequested)
        {
            // Stopped.
        }
    }

    private async Task PauseAsync()
    {
        using CancellationTokenSource pause = new(_every, _time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(pause.Token, _stop.Token);
        try
        {
            await _notice.WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            // It is over.
        }
    }
}
