namespace TunnelMesh.Cli.Hosting;

/// <summary>What has to be undone, last first. One thread at a time.</summary>
internal sealed class CleanupStack : IAsyncDisposable
{
    private readonly Stack<Func<ValueTask>> _steps = [];

    /// <summary>Undone after everything that is added later.</summary>
    public T Add<T>(T made) where T : IAsyncDisposable
    {
        _steps.Push(made.DisposeAsync);
        return made;
    }

    /// <summary>Undone after everything that is added later.</summary>
    public T AddDisposable<T>(T made) where T : IDisposable
    {
        _steps.Push(() =>
        {
            made.Dispose();
            return ValueTask.CompletedTask;
        });
        return made;
    }

    /// <summary>Called after everything that is added later is undone.</summary>
    public void Add(Func<ValueTask> undo) => _steps.Push(undo);

    /// <summary>Undoes everything; a step that fails does not keep the others from being undone, its error is thrown at the end.</summary>
    public async ValueTask DisposeAsync()
    {
        List<Exception> failures = [];
        while (_steps.TryPop(out Func<ValueTask>? undo))
        {
            try
            {
                await undo().ConfigureAwait(false);
            }
#pragma warning disable CA1031 // Whatever a step throws, what was made before it must still be undone.
            catch (Exception e)
#pragma warning restore CA1031
            {
                failures.Add(e);
            }
        }
        if (failures.Count > 0)
        {
            throw failures.Count == 1 ? failures[0] : new AggregateException(failures);
        }
    }
}
