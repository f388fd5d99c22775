using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Nat;
using TunnelMesh.Platform.NetworkMonitor;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Cli.Hosting;

/// <summary>How this peer is seen from outside: asks STUN servers from the tunnel's own port, and the gateway for a port of its own. The data plane is its owner's.</summary>
internal sealed class PeerNat : IAsyncDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50), AskEvery = TimeSpan.FromMilliseconds(500), AskPatience = TimeSpan.FromSeconds(5);
    private readonly INetworkMonitor _network;
    private readonly StunProbe _probe;
    private readonly PortMapper? _mapper;
    private readonly Action<Func<IReadOnlyList<IPEndPoint>>> _changed;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private int _telling, _kind;
    private volatile DataPlane? _plane;
    private Task _asking = Task.CompletedTask;
    private long _askedAt;
    private IReadOnlyList<UdpEndpoint> _servers = [];

    /// <summary>Begins to ask the gateway; STUN begins with the data plane.</summary>
    /// <param name="port">The tunnel's UDP port.</param>
    /// <param name="network">Tells of changes; stays the caller's.</param>
    /// <param name="mapping">Whether the gateway is asked for a port.</param>
    /// <param name="mark">Marks the sockets that ask it, or null.</param>
    /// <param name="changed">Told whenever the endpoints from outside may have changed, with what reads them. On a thread of the pool.</param>
    /// <param name="time">Clock.</param>
    public PeerNat(int port, INetworkMonitor network, bool mapping, Action<Socket>? mark, Action<Func<IReadOnlyList<IPEndPoint>>> changed, TimeProvider time)
    {
        (_network, _changed, _time, Port, _askedAt) = (network, changed, time, port, time.GetTimestamp());
        _probe = new StunProbe(new StunProbeOptions
        {
            LocalPort = port,
            Send = Send,
            IsOwnAddress = endpoint => _network.State.Addresses.Any(a => a.Address.Equals(endpoint.ToIPEndPoint().Address)),
            Random = RandomNumberGenerator.Fill,
            Changed = Tell,
            Time = time,
        })
        {
            // A peer that is asked to meet has to name a port that is open.
            IsNeeded = true,
        };
        _mapper = mapping ? PortMapper.Start(new PortMapperOptions
        {
            Port = port,
            Network = () => _network.State,
            Changed = Tell,
            Time = time,
            MakeSocket = (family, type, protocol) => Make(family, type, protocol, mark),
        }) : null;
        _network.Changed += OnNetwork;
    }

    /// <summary>The tunnel's UDP port.</summary>
    public int Port { get; }

    /// <summary>How this machine is connected.</summary>
    public NetworkState Network => _network.State;

    /// <summary>Whether the gateway is asked for a port.</summary>
    public bool MapsPort => _mapper is not null;

    /// <summary>What is known now.</summary>
    public NatReport Report => NatReport.Of(_probe, _mapper);

    /// <summary>What kind of NAT is in front of this peer. Any thread, cheap.</summary>
    public NatKind Kind => (NatKind)Volatile.Read(ref _kind);

    /// <summary>Takes answers of STUN servers from the data plane.</summary>
    public bool Handle(ReadOnlySpan<byte> datagram, in UdpEndpoint source) => _probe.Handle(datagram, source);

    /// <summary>Asks the STUN servers anew and waits until each has answered or was given up; those who ask at the same time, or soon after another, share one round. Any thread.</summary>
    /// <param name="cancel">Waits no longer.</param>
    public Task AskAnewAsync(CancellationToken cancel)
    {
        lock (_gate)
        {
            if (_asking.IsCompleted && _time.GetElapsedTime(_askedAt) >= AskEvery)
            {
                _probe.NetworkChanged();
                _askedAt = _time.GetTimestamp();
            }

            _asking = _asking.IsCompleted ? SettleAsync() : _asking;
            return _asking.WaitAsync(cancel);
        }
    }

    private async Task SettleAsync()
    {
        for (long began = _time.GetTimestamp(); !_probe.IsSettled && _time.GetElapsedTime(began) < AskPatience;)
        {
            await Task.Delay(Look, _time).ConfigureAwait(false);
        }
    }

    /// <summary>There is a data plane to send through.</summary>
    public void Attach(DataPlane plane)
    {
        _plane = plane;
        _probe.NetworkChanged();
    }

    /// <summary>The map has changed, or where the coordinator was reached.</summary>
    public void SetServers(NetworkMap map, IReadOnlyCollection<IPAddress> reached)
    {
        lock (_gate)
        {
            _servers = StunServers.Of(map.Coordinators, reached, a => map.Ranges.Any(r => r.Contains(a)));
            _probe.SetServers(StunServers.Askable(_servers, _network.State));
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _network.Changed -= OnNetwork;
        _probe.Dispose();
        if (_mapper is not null)
        {
            await _mapper.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static Socket Make(AddressFamily family, SocketType type, ProtocolType protocol, Action<Socket>? mark)
    {
        Socket socket = new(family, type, protocol);
        try
        {
            mark?.Invoke(socket);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private void OnNetwork(NetworkChanges changes)
    {
        lock (_gate)
        {
            // What is new is asked by this, and what stays by the next.
            _probe.SetServers(StunServers.Askable(_servers, _network.State));
        }

        _probe.NetworkChanged();
        _mapper?.Refresh();
    }

    private void Send(ReadOnlySpan<byte> datagram, in UdpEndpoint server)
    {
        try
        {
            _plane?.Send(datagram, server);
        }
        catch (ObjectDisposedException)
        {
            // The peer stops.
        }
    }

    // Not here: it may be the thread of a lane, which has packets to attend to.
    private void Tell()
    {
        if (Interlocked.Exchange(ref _telling, 1) == 0)
        {
            ThreadPool.QueueUserWorkItem(_ =>
            {
                Volatile.Write(ref _telling, 0);
                lock (_gate)
                {
                    // Read here, so that of two who tell at the same time the newer is the last.
                    Volatile.Write(ref _kind, (int)Report.Kind);
                }

                _changed(() => [.. Report.PublicEndpoints.Select(e => e.ToIPEndPoint())]);
            });
        }
    }
}
