using System.Threading.Channels;
using Microsoft.Data.Sqlite;

namespace TunnelMesh.Coordinator.State;

/// <summary>
/// The only user of the connection. Work that waits while the disk is busy shares the next transaction (group commit), and is
/// answered after that transaction is on disk.
/// </summary>
internal sealed class WriteQueue : IAsyncDisposable
{
    private const int MaxBatch = 256;
    private readonly Channel<Work> _channel = Channel.CreateBounded<Work>(new BoundedChannelOptions(1024) { SingleReader = true });
    private readonly SqliteSession _session;
    private readonly string _file;
    private readonly Task _writer;

    internal WriteQueue(SqliteSession session, string file)
    {
        _session = session;
        _file = file;
        _writer = Task.Run(RunAsync);
    }

    /// <summary>Runs work inside a transaction; it may run twice, so it changes nothing but the database.</summary>
    internal async ValueTask<T> RunAsync<T>(Func<SqliteSession, T> body, CancellationToken cancel)
    {
        Work<T> work = new(body);
        try
        {
            await _channel.Writer.WriteAsync(work, cancel).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(nameof(SqliteState));
        }
        return await work.Task.ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        if (_channel.Writer.TryComplete())
        {
            await _writer.ConfigureAwait(false);
            _session.Dispose();
        }
    }

    private async Task RunAsync()
    {
        List<Work> batch = new(MaxBatch);
        while (await _channel.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            batch.Clear();
            while (batch.Count < MaxBatch && _channel.Reader.TryRead(out Work? work))
            {
                batch.Add(work);
            }
            Commit(batch);
        }
    }

    private void Commit(List<Work> batch)
    {
        try
        {
            _session.Execute("BEGIN IMMEDIATE");
            foreach (Work work in batch)
            {
                Step(work);
            }
            _session.Execute("COMMIT");
        }
        catch (SqliteException e)
        {
            _session.Rollback();
            if (batch.Count == 1)
            {
                batch[0].Fail(new StorageFailedException($"The change could not be stored in {_file}: {e.Message} Check that the disk has room and works; the coordinator keeps trying.", e));
                return;
            }
            // One piece of work that does not fit must not take the others with it.
            foreach (Work work in batch)
            {
                Commit([work]);
            }
            return;
        }
        foreach (Work work in batch)
        {
            work.Answer();
        }
    }

    private void Step(Work work)
    {
        _session.Execute("SAVEPOINT step");
        try
        {
            work.Run(_session);
        }
        catch (Exception e) when (e is not SqliteException)
        {
            work.Refusal = e;
            _session.Execute("ROLLBACK TO step");
        }
        _session.Execute("RELEASE step");
    }

    private abstract class Work
    {
        internal Exception? Refusal { get; set; }
        internal abstract void Run(SqliteSession session);
        internal abstract void Answer();
        internal abstract void Fail(Exception e);
    }

    private sealed class Work<T>(Func<SqliteSession, T> body) : Work
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T _result = default!;

        internal Task<T> Task => _done.Task;

        internal override void Run(SqliteSession session)
        {
            Refusal = null;
            _result = body(session);
        }

        internal override void Answer()
        {
            if (Refusal is null)
            {
                _done.SetResult(_result);
            }
            else
            {
                _done.SetException(Refusal);
            }
        }

        internal override void Fail(Exception e) => _done.SetException(e);
    }
}
