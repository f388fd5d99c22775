using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Node.Dns;

/// <summary>The resolver's edge: sockets of UDP and TCP at any number of endpoints, one responder and one forwarder behind them. Thread-safe.</summary>
public sealed class DnsServer : IAsyncDisposable
{
    // Ports of one kind are few where many programs run at once.
    private const int FreePortAttempts = 20;
    private readonly DnsResponder _responder;
    private readonly DnsForwarder _forwarder;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly List<IAsyncDisposable> _listeners = [];
    private readonly List<IPEndPoint> _endpoints = [];
    private long _unsent;

    /// <param name="responder">Answers.</param>
    /// <param name="forwarder">Asks others; belongs to the server from now on.</param>
    /// <param name="time">Clock.</param>
    public DnsServer(DnsResponder responder, DnsForwarder forwarder, TimeProvider time) => (_responder, _forwarder, _time) = (responder, forwarder, time);

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

    /// <summary>What was done so far.</summary>
    public DnsCounts Counts => _responder.Counts with
    {
        Unsent = Interlocked.Read(ref _unsent),
        Forwarded = _forwarder.Forwarded,
        ForwardFailures = _forwarder.Failures,
        Crowded = _forwarder.Crowded,
    };

    /// <summary>Listens at one more endpoint, over UDP and TCP; with port 0 both take the same free one.</summary>
    /// <returns>The endpoint.</returns>
    /// <exception cref="DnsListenException">It cannot.</exception>
    public IPEndPoint Listen(IPEndPoint endpoint)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        for (int left = endpoint.Port == 0 ? FreePortAttempts : 1; ; left--)
        {
            try
            {
                return ListenOnce(endpoint);
            }
            catch (SocketException e) when (left == 1 || e.SocketErrorCode != SocketError.AddressAlreadyInUse)
            {
                throw new DnsListenException(endpoint, e.SocketErrorCode, e);
            }
            catch (SocketException)
            {
                // The port that was free over UDP is another program's over TCP.
            }
        }
    }

    private IPEndPoint ListenOnce(IPEndPoint endpoint)
    {
        Socket? udp = null, tcp = null;
        try
        {
            udp = Open(endpoint, SocketType.Dgram, ProtocolType.Udp);
            IPEndPoint local = (IPEndPoint)udp.LocalEndPoint!;
            tcp = Open(local, SocketType.Stream, ProtocolType.Tcp);
            tcp.Listen(64);
            lock (_gate)
            {
                _listeners.Add(new DnsUdpListener(udp, _responder, _forwarder, () => Interlocked.Increment(ref _unsent)));
                _listeners.Add(new DnsTcpListener(tcp, _responder, _forwarder, _time));
                _endpoints.Add(local);
            }
            return local;
        }
        catch (SocketException)
        {
            udp?.Dispose();
            tcp?.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        IAsyncDisposable[] listeners;
        lock (_gate)
        {
            listeners = [.. _listeners];
            _listeners.Clear();
            _endpoints.Clear();
        }
        await _forwarder.DisposeAsync().ConfigureAwait(false);
        foreach (IAsyncDisposable listener in listeners)
        {
            await listener.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static Socket Open(IPEndPoint endpoint, SocketType type, ProtocolType protocol)
    {
        Socket socket = new(endpoint.AddressFamily, type, protocol);
        try
        {
            if (endpoint.AddressFamily == AddressFamily.InterNetworkV6)
            {
                socket.DualMode = false;
            }
            if (type == SocketType.Dgram)
            {
                socket.ReceiveBufferSize = 1 << 20;
            }
            socket.Bind(endpoint);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
