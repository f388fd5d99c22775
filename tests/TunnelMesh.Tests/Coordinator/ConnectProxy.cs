using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace TunnelMesh.Tests.Coordinator;

/// <summary>An HTTP proxy that opens tunnels (RFC 9110, 9.3.6) to one port of this machine, whatever host is named, as if it alone could resolve it.</summary>
internal sealed class ConnectProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<TcpClient> _clients = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private readonly int _target;
    private readonly string? _credentials;
    private readonly bool _refuses;

    /// <param name="target">Port of every tunnel.</param>
    /// <param name="credentials">name:password that it wants, or null.</param>
    /// <param name="refuses">Whether it forbids every port.</param>
    internal ConnectProxy(int target, string? credentials = null, bool refuses = false)
    {
        _refuses = refuses;
        _target = target;
        _credentials = credentials;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    internal int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The first lines of all requests.</summary>
    internal ConcurrentQueue<string> Requests { get; } = [];

    /// <summary>Tunnels opened.</summary>
    internal int Tunnels { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        foreach (TcpClient client in _clients)
        {
            client.Dispose();
        }
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                TcpClient near = await _listener.AcceptTcpClientAsync(_stop.Token);
                _clients.Add(near);
                _ = ServeAsync(near);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(TcpClient near)
    {
        using TcpClient far = new();
        try
        {
            NetworkStream stream = near.GetStream();
            string[] head = await ReadHeadAsync(stream);
            Requests.Enqueue(head[0]);
            if (_credentials is not null && !head.Contains("Proxy-Authorization: Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(_credentials)), StringComparer.OrdinalIgnoreCase))
            {
                await stream.WriteAsync("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"test\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray(), _stop.Token);
                near.Close();
                return;
            }
            if (_refuses)
            {
                await stream.WriteAsync("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray(), _stop.Token);
                near.Close();
                return;
            }
            await far.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
            Tunnels++;
            await stream.WriteAsync("HTTP/1.1 200 Connection established\r\n\r\n"u8.ToArray(), _stop.Token);
            await Task.WhenAny(stream.CopyToAsync(far.GetStream(), _stop.Token), far.GetStream().CopyToAsync(stream, _stop.Token));
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One side is gone: so is the other.
        }
        near.Dispose();
    }

    private async Task<string[]> ReadHeadAsync(NetworkStream stream)
    {
        List<byte> head = [];
        byte[] one = new byte[1];
        while (!Encoding.ASCII.GetString([.. head]).EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one, _stop.Token);
            head.Add(one[0]);
        }
        return Encoding.ASCII.GetString([.. head]).Split("\r\n");
    }
}
