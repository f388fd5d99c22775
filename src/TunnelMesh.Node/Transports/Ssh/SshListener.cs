using System.Net;
using System.Net.Sockets;
using TunnelMesh.Node.Listening;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Limits;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Node.Transports.Ssh;

/// <summary>Accepts connections. Whoever connects is a stranger until its channel is open; strangers are bounded, and so are the handshakes of an address (20 a second, bursts of 5).</summary>
internal sealed class SshListener : IAsyncDisposable
{
    // For one address's strangers to prove themselves before newer ones cut them.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private readonly SshTransportOptions _options;
    private readonly SshCounters _counters;
    private readonly Func<Socket, SshStream> _begin;
    private readonly ConnectionGate _gate;
    private readonly HandshakeRateLimiter _rate;
    private readonly SocketAcceptor _acceptor;

    /// <summary>Listens at once.</summary>
    /// <param name="options">Port and limits.</param>
    /// <param name="counters">Of the transport.</param>
    /// <param name="begin">Makes a stream live over an accepted socket.</param>
    /// <exception cref="TcpPortException">The port is taken or the system refused.</exception>
    public SshListener(SshTransportOptions options, SshCounters counters, Func<Socket, SshStream> begin)
    {
        (_options, _counters, _begin) = (options, counters, begin);
        _gate = new ConnectionGate(options.StrangersPerAddress, options.Strangers, Grace, options.Time);
        _rate = new HandshakeRateLimiter(options.Time);
        Socket socket = TcpPort.Listen(options.Port!.Value, options.ConfigureSocket);
        Port = ((IPEndPoint)socket.LocalEndPoint!).Port;
        _acceptor = new SocketAcceptor(TakeAsync, options.Time);
        _acceptor.Add(socket);
    }

    /// <summary>The port.</summary>
    public int Port { get; }

    /// <summary>Connections that are nobody's yet.</summary>
    public int Strangers => _gate.Count;

    /// <summary>Takes no more connections; those that were taken stay.</summary>
    public ValueTask DisposeAsync() => _acceptor.DisposeAsync();

    private Task TakeAsync(Socket socket, CancellationToken stop)
    {
        _counters.CountAccepted();
        try
        {
            IPAddress address = ((IPEndPoint)socket.RemoteEndPoint!).Address;
            if (!_rate.TryTake(HandshakeRateLimiter.KeyOf(address)))
            {
                // A handshake costs a multiplication and a signature before anything is known of the other side.
                _counters.CountRefused();
                socket.Dispose();
                return Task.CompletedTask;
            }
            _options.ConfigureSocket?.Invoke(socket);
            TcpPort.ForDatagrams(socket);
            SshStream? stream = null;
            ConnectionGate.Slot slot = _gate.Enter(address, () =>
            {
                _counters.CountCut();
                Volatile.Read(ref stream)?.Abort();
                socket.Dispose();
            });
            Volatile.Write(ref stream, _begin(socket));
            _ = LeaveAsync(stream, slot);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It was gone again.
            socket.Dispose();
        }
        return Task.CompletedTask;
    }

    private async Task LeaveAsync(SshStream stream, ConnectionGate.Slot slot)
    {
        if (!await stream.WhenOpened.ConfigureAwait(false))
        {
            _counters.CountRefused();
        }
        slot.Leave();
    }
}
