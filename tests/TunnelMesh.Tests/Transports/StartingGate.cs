using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Tests.Transports;

/// <summary>Takes TCP connections, and passes their bytes on to a target only once all that are expected have come.</summary>
internal sealed class StartingGate : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;

    /// <param name="expected">How many.</param>
    /// <param name="target">Port on loopback.</param>
    public StartingGate(int expected, int target)
    {
        _listener.Start();
        _running = RunAsync(expected, target);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync(int expected, int target)
    {
        List<Socket> near = [];
        while (near.Count < expected)
        {
            near.Add(await _listener.AcceptSocketAsync(_stop.Token));
        }
        await Task.WhenAll(near.Select(n => ServeAsync(n, target)));
    }

    private async Task ServeAsync(Socket near, int target)
    {
        using Socket far = new(SocketType.Stream, ProtocolType.Tcp);
        await far.ConnectAsync(IPAddress.Loopback, target, _stop.Token);
        await Task.WhenAny(PassAsync(near, far), PassAsync(far, near));
        near.Dispose();
    }

    private async Task PassAsync(Socket from, Socket to)
    {
        byte[] buffer = new byte[64 * 1024];
        for (int read; (read = await from.ReceiveAsync(buffer, _stop.Token)) > 0;)
        {
            await to.SendAsync(buffer.AsMemory(0, read), _stop.Token);
        }
    }
}
