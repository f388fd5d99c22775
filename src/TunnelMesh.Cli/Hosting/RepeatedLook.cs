namespace TunnelMesh.Cli.Hosting;

/// <summary>Looks again and again: after a pause, and without one when told to. A look that fails is told of, and is not the last. Any thread.</summary>
internal sealed class RepeatedLook : IAsyncDisposable
{
    private readonly Func<CancellationToken, Task> _look;
    private readonly Action<Exception> _failed;
    private readonly TimeSpan _every;
    private readonly CancellationTokenSource _stop = new();
    private readonly Nudge _notice;
    private readonly Task _running;

    /// <summary>Begins, with a pause.</summary>
    /// <param name="look">One look; given up when this is disposed.</param>
    /// <param name="failed">Told of a look that failed after one that did not, or by another fault.</param>
    /// <param name="every">The pause.</param>
    /// <param name="time">Times it.</param>
    public RepeatedLook(Func<CancellationToken, Task> look, Action<Exception> failed, TimeSpan every, TimeProvider time)
    {
        (_look, _failed, _every, _notice) = (look, failed, every, new Nudge(time));
        _running = Task.Run(RunAsync);
    }

    /// <summary>Looks without a pause.</summary>
    public void Now() => _notice.Give();

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
                await _notice.WaitAsync(_every, _stop.Token).ConfigureAwait(false);
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
}
