using System.Net.Sockets;

namespace TunnelMesh.Node.Listening;

/// <summary>Takes connections from listening sockets and serves each until it is done; a stop ends the listening, tells those who serve, and waits for them. Thread-safe.</summary>
internal sealed class SocketAcceptor : IAsyncDisposable
{
    // Out of descriptors, most likely: they come back when a connection ends.
    private static readonly TimeSpan AfterTrouble = TimeSpan.FromMilliseconds(20);
    private readonly Func<Socket, CancellationToken, Task> _serve;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private readonly List<(Socket Socket, Task Accepting)> _listeners = [];

    private bool _stopped;

    // Connections, and one for the acceptor itself until it is stopped.
    private int _open = 1;

    /// <param name="serve">Talks over a connection until it is done or the acceptor stops. The socket stays the acceptor's, which closes it afterwards; it may be closed earlier. Does not throw.</param>
    public SocketAcceptor(Func<Socket, CancellationToken, Task> serve) => _serve = serve;

    /// <summary>Accepts from one more socket.</summary>
    /// <param name="listener">Listening; belongs to the acceptor from now on, which closes it at once when it has stopped.</param>
    public void Add(Socket listener)
    {
        lock (_gate)
        {
            if (_stopped)
            {
                listener.Dispose();
                return;
            }
            _listeners.Add((listener, Task.Run(() => AcceptAsync(listener))));
        }
    }

    /// <summary>Returns when nobody is served any more.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_stopped)
            {
                return;
            }
            _stopped = true;
        }
        await _stop.CancelAsync().ConfigureAwait(false);
        foreach ((Socket socket, Task accepting) in _listeners)
        {
            socket.Dispose();
            await accepting.ConfigureAwait(false);
        }
        Leave();
        await _idle.Task.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task AcceptAsync(Socket listener)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                Socket client = await listener.AcceptAsync(_stop.Token).ConfigureAwait(false);
                Interlocked.Increment(ref _open);
                _ = ServeAsync(client);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(AfterTrouble, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    private async Task ServeAsync(Socket client)
    {
        try
        {
            await _serve(client, _stop.Token).ConfigureAwait(false);
        }
        finally
        {
            client.Dispose();
            Leave();
        }
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _open) == 0)
        {
            _idle.SetResult();
        }
    }
}
