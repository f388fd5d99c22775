using System.Net;
using System.Net.Sockets;
using TunnelMesh.Platform.Sockets;

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
    /// <param name="endpoint">Where.</param>
    /// <param name="besideWildcards">Whether its UDP port goes together with sockets at that port of all addresses that say the same, as those of multicast DNS do. Then only TCP
    /// tells that another resolver has the endpoint.</param>
    /// <returns>The endpoint.</returns>
    /// <exception cref="DnsListenException">It cannot.</exception>
    public IPEndPoint Listen(IPEndPoint endpoint, bool besideWildcards = false)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        for (int left = endpoint.Port == 0 ? FreePortAttempts : 1; ; left--)
        {
            try
            {
                return ListenOnce(endpoint, besideWildcards);
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

    private IPEndPoint ListenOnce(IPEndPoint endpoint, bool besideWildcards)
    {
        Socket? udp = null, tcp = null;
        try
        {
            // A UDP socket that shares would take questions of the resolver that has the endpoint already, so it comes last.
            tcp = besideWildcards ? Listening(endpoint) : null;
            udp = Open((IPEndPoint?)tcp?.LocalEndPoint ?? endpoint, SocketType.Dgram, ProtocolType.Udp, besideWildcards);
            IPEndPoint local = (IPEndPoint)udp.LocalEndPoint!;
            tcp ??= Listening(local);
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

    private static Socket Listening(IPEndPoint endpoint)
    {
        Socket tcp = Open(endpoint, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            tcp.Listen(64);
            return tcp;
        }
        catch
        {
            tcp.Dispose();
            throw;
        }
    }

    private static Socket Open(IPEndPoint endpoint, SocketType type, ProtocolType protocol, bool besideWildcards = false)
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
                DatagramSockets.IgnoreResets(socket);
            }
            if (besideWildcards)
            {
                DatagramSockets.ShareWithWildcards(socket);
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
