using System.Net.Sockets;

namespace TunnelMesh.Node.Listening;

/// <summary>Takes connections from listening sockets and serves each until it is done; a stop ends the listening, tells those who serve, and waits for them. Thread-safe.</summary>
internal sealed class SocketAcceptor : IAsyncDisposable
{
    // Out of descriptors, most likely: they come back when a connection ends.
    private static readonly TimeSpan AfterTrouble = TimeSpan.FromMilliseconds(20);
    private readonly Func<Socket, CancellationToken, Task> _serve;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim? _places;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private readonly List<(Socket Socket, Task Accepting)> _listeners = [];

    private bool _stopped;

    // Connections, and one for the acceptor itself until it is stopped.
    private int _open = 1;

    /// <param name="serve">Talks over a connection until it is done or the acceptor stops. Begun in the order in which connections came; the next one is taken at its first wait. The socket is its own, to close or to hand on. Does not throw.</param>
    /// <param name="time">Clock of the pause after trouble.</param>
    /// <param name="most">Connections served at once; of those beyond it each listener takes one, and the others wait in the system's queue. Null for any number, where <paramref name="serve"/> bounds them.</param>
    public SocketAcceptor(Func<Socket, CancellationToken, Task> serve, TimeProvider time, int? most = null)
    {
        (_serve, _time) = (serve, time);
        _places = most is { } number ? new SemaphoreSlim(number) : null;
    }

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
        _places?.Dispose();
    }

    private async Task AcceptAsync(Socket listener)
    {
        try
        {
            while (true)
            {
                Socket client = await TakeAsync(listener).ConfigureAwait(false);
                await PlaceAsync(client).ConfigureAwait(false);
                Interlocked.Increment(ref _open);
                _ = ServeAsync(client);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task<Socket> TakeAsync(Socket listener)
    {
        while (true)
        {
            try
            {
                return await listener.AcceptAsync(_stop.Token).ConfigureAwait(false);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionAborted or SocketError.ConnectionReset)
            {
                // It was gone before it was taken. No pause: strangers could slow down everybody else by it.
            }
            catch (SocketException)
            {
                // The same connection would fail again at once: asked without a pause, that takes a processor for itself.
                await Task.Delay(AfterTrouble, _time, _stop.Token).ConfigureAwait(false);
            }
        }
    }

    // After it was taken, so that a socket at which nobody connects keeps no place from the others.
    private async Task PlaceAsync(Socket client)
    {
        if (_places is null)
        {
            return;
        }
        try
        {
            await _places.WaitAsync(_stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            client.Dispose();
            throw;
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
            _places?.Release();
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
