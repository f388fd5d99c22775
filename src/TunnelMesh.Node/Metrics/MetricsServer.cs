using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.Listening;
using TunnelMesh.Protocol.Http;
using TunnelMesh.Protocol.Limits;

namespace TunnelMesh.Node.Metrics;

/// <summary>
/// <c>/metrics</c> and <c>/health</c> over TLS, for members of the mesh only: one request a connection, GET or HEAD. It is a few hundred lines of our own since a whole
/// HTTP server would be in the memory of every idle peer. Thread-safe.
/// </summary>
public sealed class MetricsServer : IAsyncDisposable
{
    /// <summary>Connections of one source, and in all; the oldest is cut for a newer one.</summary>
    internal const int MaxPerSource = 8, MaxInAll = 32;

    private const string NotAllowed = "405 Method Not Allowed";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10), PageLife = TimeSpan.FromSeconds(1);
    private readonly MetricsServerOptions _options;
    private readonly ConnectionGate _connections;
    private readonly SocketAcceptor _acceptor;
    private readonly Lock _gate = new(), _pageTurn = new();
    private readonly List<IPEndPoint> _endpoints = [];
    private (long Made, byte[] Text)? _page;
    private long _strangers;

    /// <summary>Prepares; nothing listens yet.</summary>
    public MetricsServer(MetricsServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _connections = new ConnectionGate(MaxPerSource, MaxInAll, TimeSpan.Zero, options.Time);
        _acceptor = new SocketAcceptor(ServeAsync, options.Time);
    }

    /// <summary>Where it listens.</summary>
    public IReadOnlyList<IPEndPoint> Endpoints
    {
        get
        {
            lock (_gate)
            {
                return [.. _endpoints];
            }
        }
    }

    /// <summary>Connections that were closed at once because they did not come from the mesh.</summary>
    public long Strangers => Interlocked.Read(ref _strangers);

    /// <summary>Listens at one more endpoint.</summary>
    /// <returns>The endpoint, with the port that was given where none was asked for.</returns>
    /// <exception cref="MetricsListenException">It cannot.</exception>
    public IPEndPoint Listen(IPEndPoint endpoint)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        Socket socket = new(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(endpoint);
            socket.Listen(MaxInAll);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new MetricsListenException(endpoint, e.SocketErrorCode, e);
        }
        IPEndPoint local = (IPEndPoint)socket.LocalEndPoint!;
        lock (_gate)
        {
            _endpoints.Add(local);
        }
        _acceptor.Add(socket);
        return local;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _acceptor.DisposeAsync();

    private async Task ServeAsync(Socket accepted, CancellationToken stop)
    {
        using Socket client = accepted;
        ConnectionGate.Slot? slot = null;
        try
        {
            IPAddress address = ((IPEndPoint)client.RemoteEndPoint!).Address;
            if (!Array.Exists(_options.Ranges, r => r.Contains(address)))
            {
                Interlocked.Increment(ref _strangers);
                return;
            }
            slot = _connections.Enter(address, client.Dispose);
            using CancellationTokenSource late = new(Patience, _options.Time);
            using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stop);
            await TalkAsync(client, over.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or IOException or AuthenticationException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // The asker is gone, was too slow, does not trust the certificate, or the peer stops.
        }
        finally
        {
            slot?.Leave();
        }
    }

    private async Task TalkAsync(Socket client, CancellationToken cancel)
    {
        if (_options.Certificate()?.Context is not { } context)
        {
            return;
        }
        client.NoDelay = true;
        SslStream tls = new(new NetworkStream(client, ownsSocket: false));
        await using (tls.ConfigureAwait(false))
        {
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = context,
                ApplicationProtocols = [SslApplicationProtocol.Http11],
                AllowRenegotiation = false,
                AllowTlsResume = false,
            }, cancel).ConfigureAwait(false);
            (string status, byte[] body, bool bodyWanted) = await AnswerAsync(tls, cancel).ConfigureAwait(false);
            byte[] head = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture,
                $"HTTP/1.1 {status}\r\nContent-Type: {MetricsText.ContentType}\r\nContent-Length: {body.Length}\r\nCache-Control: no-store\r\n{(status == NotAllowed ? "Allow: GET, HEAD\r\n" : "")}Connection: close\r\n\r\n"));
            await tls.WriteAsync(head, cancel).ConfigureAwait(false);
            if (bodyWanted)
            {
                await tls.WriteAsync(body, cancel).ConfigureAwait(false);
            }
            await tls.ShutdownAsync().WaitAsync(cancel).ConfigureAwait(false);
            client.Shutdown(SocketShutdown.Send);
        }
    }

    private async Task<(string Status, byte[] Body, bool BodyWanted)> AnswerAsync(SslStream tls, CancellationToken cancel)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(HttpRequestHead.MaxBytes);
        try
        {
            int filled = 0;
            HttpHeadResult result;
            HttpRequestHead head;
            while ((result = HttpRequestHead.TryRead(buffer.AsSpan(0, filled), out head)) == HttpHeadResult.Incomplete)
            {
                int read = await tls.ReadAsync(buffer.AsMemory(filled, HttpRequestHead.MaxBytes - filled), cancel).ConfigureAwait(false);
                filled += read > 0 ? read : throw new EndOfStreamException();
            }
            return result == HttpHeadResult.Malformed ? (filled == HttpRequestHead.MaxBytes ? "431 Request Header Fields Too Large" : "400 Bad Request", [], true)
                : head.Method is not ("GET" or "HEAD") ? (NotAllowed, [], true)
                : Page(head);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private (string Status, byte[] Body, bool BodyWanted) Page(HttpRequestHead head)
    {
        bool bodyWanted = head.Method == "GET";
        switch (head.Path)
        {
            case "/metrics":
                return ("200 OK", Metrics(), bodyWanted);
            case "/health":
                string? problem = _options.Problem();
                return (problem is null ? "200 OK" : "503 Service Unavailable", Encoding.UTF8.GetBytes((problem ?? "ok") + "\n"), bodyWanted);
            default:
                return ("404 Not Found", "There is /metrics and /health.\n"u8.ToArray(), bodyWanted);
        }
    }

    // Made once a second at the most, however many ask.
    private byte[] Metrics()
    {
        lock (_pageTurn)
        {
            if (_page is not { } page || _options.Time.GetElapsedTime(page.Made) >= PageLife)
            {
                _page = page = (_options.Time.GetTimestamp(), Encoding.UTF8.GetBytes(_options.Metrics()));
            }
            return page.Text;
        }
    }
}
