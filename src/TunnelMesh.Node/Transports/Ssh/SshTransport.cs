using System.Net;
using System.Net.Sockets;
using TunnelMesh.Node.Paths;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Ssh;

namespace TunnelMesh.Node.Transports.Ssh;

/// <summary>
/// Carries datagrams over SSH connections to peers, for networks in which UDP does not pass. Listens and dials; one connection carries for each pair
/// of devices. The host key of a peer must be its identity key, and so must the key with which it logs in.
/// </summary>
/// <remarks>Sending: <see cref="Send"/> → <see cref="SshLink"/> → <see cref="SshStream"/>. Receiving: <see cref="SshStream"/> → the sink.</remarks>
public sealed class SshTransport : IDatagramCarrier, ISshStreamOwner, IAsyncDisposable
{
    private const int KeptPackets = 32;
    private static readonly TimeSpan TickEvery = TimeSpan.FromMilliseconds(250), FarewellLimit = TimeSpan.FromSeconds(1);

    private readonly SshTransportOptions _options;
    private readonly ICarrierSink _sink;
    private readonly SendPacketPool _pool = new(KeptPackets);
    private readonly Lock _lock = new();
    private readonly Dictionary<SshStream, Task> _streams = [];
    private readonly HashSet<Task> _dialling = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly SshDialler _dialler;
    private readonly SshListener? _listener;
    private readonly ITimer _timer;
    private volatile Dictionary<UInt128, SshLink> _links = [];
    private bool _ticking, _stopped;

    /// <summary>Listens at once, where a port is given, and knows no peer yet.</summary>
    /// <param name="options">Keys and limits.</param>
    /// <param name="sink">Receives datagrams.</param>
    /// <exception cref="TcpPortException">The port is taken or the system refused.</exception>
    public SshTransport(SshTransportOptions options, ICarrierSink sink)
    {
        ArgumentNullException.ThrowIfNull(options);
        (_options, _sink) = (options, sink);
        _timer = options.Time.CreateTimer(_ => Tick(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _dialler = new SshDialler(options, BeginDialled);
        _listener = options.Port is null ? null : new SshListener(options, Counters, BeginAccepted);
    }

    /// <inheritdoc/>
    public PathTransport Transport => PathTransport.Ssh;

    /// <summary>The TCP port listened on; 0 for none.</summary>
    public int Port => _listener?.Port ?? 0;

    /// <summary>What has been counted.</summary>
    public SshCounters Counters { get; } = new();

    /// <summary>Connections that are nobody's yet.</summary>
    public int Strangers => _listener?.Strangers ?? 0;

    /// <summary>Connections in any state.</summary>
    public int Connections
    {
        get
        {
            lock (_lock)
            {
                return _streams.Count;
            }
        }
    }

    /// <summary>True while an answer to a heartbeat is waited for.</summary>
    internal bool IsHeartbeatOut
    {
        get
        {
            lock (_lock)
            {
                return _streams.Keys.Any(s => s.IsHeartbeatOut);
            }
        }
    }

    /// <summary>Takes the list of peers. Those that are not in it lose their connection at once, and so do those whose key is another one. Any thread, one at a time.</summary>
    /// <param name="peers">All of them, without this device.</param>
    public void SetPeers(IReadOnlyCollection<SshPeer> peers)
    {
        ArgumentNullException.ThrowIfNull(peers);
        Dictionary<UInt128, SshLink> before = _links, after = new(peers.Count);
        List<UInt128> wanted = [];
        foreach (SshPeer peer in peers)
        {
            if (before.TryGetValue(peer.DeviceId, out SshLink? link) && link.Peer.IdentityKey.AsSpan().SequenceEqual(peer.IdentityKey))
            {
                if (link.Update(peer))
                {
                    wanted.Add(peer.DeviceId);
                }
            }
            else
            {
                PathAddress path = PathAddress.Over(PathTransport.Ssh, peer.DeviceId);
                link = new SshLink(peer, _options.DeviceId, _options.Time, open => _sink.NoteOpen(path, open));
            }
            after[peer.DeviceId] = link;
        }
        _links = after;
        wanted.ForEach(Prepare);
        foreach ((UInt128 device, SshLink link) in before)
        {
            if (!after.TryGetValue(device, out SshLink? now) || now != link)
            {
                link.Remove();
            }
        }
    }

    /// <inheritdoc/>
    public bool IsOpen(UInt128 device) => _links.TryGetValue(device, out SshLink? link) && link.Current is { IsOpen: true };

    /// <summary>Why the last dialling of a device failed, endpoint by endpoint; null when it did not, or was not tried. Any thread.</summary>
    /// <param name="device">Which device.</param>
    public string? LastFailure(UInt128 device) => _links.TryGetValue(device, out SshLink? link) ? link.LastFailure : null;

    /// <inheritdoc/>
    public void Prepare(UInt128 device)
    {
        if (_links.TryGetValue(device, out SshLink? link) && link.TryBeginDial())
        {
            lock (_lock)
            {
                if (!_stopped)
                {
                    // Neither the caller nor the lock waits for what the dialler does first.
                    Task dialling = Task.Run(() => DialAsync(link));
                    _dialling.Add(dialling);
                    _ = ForgetAsync(dialling);
                }
            }
        }
    }

    /// <inheritdoc/>
    public int Send(UInt128 device, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        if (datagrams.IsEmpty)
        {
            return 0;
        }
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(segmentSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(datagrams.Length, DatagramFrames.MaxBytes);
        if (_links.TryGetValue(device, out SshLink? link))
        {
            // A stream that ends just now refuses, and then there may be the one that took its place.
            for (SshStream? stream = link.Current, last = null; stream is not null && stream != last; last = stream, stream = link.Current)
            {
                if (stream.TrySend(datagrams, segmentSize))
                {
                    return 0;
                }
            }
        }
        return DatagramFrames.Count(datagrams.Length, segmentSize);
    }

    /// <summary>
    /// The network of this machine has changed: connections from an address it has no more end at once, since nothing would say so for seconds, and those that
    /// carried are dialled again; the others are asked for a sign of life. Dialling begins anew, without a pause. Any thread.
    /// </summary>
    /// <param name="isOwn">Whether an address is this machine's.</param>
    public void Refresh(Func<IPAddress, bool> isOwn)
    {
        ArgumentNullException.ThrowIfNull(isOwn);
        HashSet<SshLink> lost = [];
        ForEachStream(stream =>
        {
            if (stream.LocalAddress is null || isOwn(stream.LocalAddress))
            {
                if (stream.IsOpen)
                {
                    stream.Heartbeat();
                }
                return;
            }
            Counters.CountMoved();
            if (stream.Link is { } link && link.Current == stream)
            {
                lost.Add(link);
            }
            stream.Abort();
            stream.Link?.Drop(stream, over: true);
        });
        foreach (SshLink link in _links.Values)
        {
            if (link.NoteNetworkChanged() || lost.Contains(link))
            {
                Prepare(link.Peer.DeviceId);
            }
        }
    }

    /// <summary>Tells the peers, ends every connection, and frees the port.</summary>
    public async ValueTask DisposeAsync()
    {
        Task[] dialling, running;
        lock (_lock)
        {
            if (_stopped)
            {
                return;
            }
            _stopped = true;
            dialling = [.. _dialling];
        }
        if (_listener is not null)
        {
            await _listener.DisposeAsync().ConfigureAwait(false);
        }
        await _stopping.CancelAsync().ConfigureAwait(false);
        ForEachStream(s => s.Disconnect(SshDisconnectReason.ByApplication, "the program ends"));
        lock (_lock)
        {
            running = [.. _streams.Values];
        }
        await Task.WhenAny(Task.WhenAll(running), Task.Delay(FarewellLimit)).ConfigureAwait(false);
        ForEachStream(s => s.Abort());
        await Task.WhenAll([.. running, .. dialling]).ConfigureAwait(false);
        await _timer.DisposeAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    void ISshStreamOwner.Opened(SshStream stream)
    {
        Counters.CountOpened();
        if (_links.TryGetValue(stream.RemoteDevice, out SshLink? link) && (!stream.IsDialled || stream.Link == link))
        {
            stream.Link = link;
            link.Add(stream);
        }
        else
        {
            // Taken off the list while it logged in.
            stream.Disconnect(SshDisconnectReason.ByApplication, "not a peer any more");
        }
    }

    void ISshStreamOwner.Received(SshStream stream, ReadOnlySpan<byte> data)
    {
        PathAddress source = PathAddress.Over(PathTransport.Ssh, stream.RemoteDevice);
        while (DatagramFrames.TryTake(ref data, out ReadOnlySpan<byte> datagrams, out int segmentSize))
        {
            Counters.CountReceived(DatagramFrames.Count(datagrams.Length, segmentSize));
            int lost = _sink.Deliver(source, datagrams, segmentSize);
            if (lost > 0)
            {
                Counters.CountNoRoom(lost);
            }
        }
        if (!data.IsEmpty)
        {
            Counters.CountBadFrame();
        }
    }

    void ISshStreamOwner.RemoteEnded(SshStream stream) => stream.Link?.Drop(stream, over: false);

    void ISshStreamOwner.Closed(SshStream stream)
    {
        lock (_lock)
        {
            _streams.Remove(stream);
        }
        stream.Link?.Drop(stream, over: true);
    }

    private async Task DialAsync(SshLink link)
    {
        SshPeer peer = link.Peer;
        string? failure = "the program ends";
        bool again = false;
        try
        {
            using CancellationTokenSource dialling = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            link.NoteDialling(dialling);
            failure = await _dialler.DialAsync(peer, dialling.Token).ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            // The transport has stopped.
        }
        finally
        {
            again = link.Dialled(peer, failure);
        }
        if (again)
        {
            Prepare(peer.DeviceId);
        }
    }

    private async Task ForgetAsync(Task dialling)
    {
        await ((Task)dialling).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_lock)
        {
            _dialling.Remove(dialling);
        }
    }

    private SshStream BeginDialled(Socket socket, SshPeer peer)
    {
        SshClientOptions client = new()
        {
            Identity = _options.Identity,
            Random = _options.Random,
            Time = _options.Time,
            HandshakeLimit = _options.HandshakeLimit,
            RekeyBytes = _options.RekeyBytes,
            HostKey = peer.IdentityKey,
            UserName = _options.DeviceId.ToString("x32", System.Globalization.CultureInfo.InvariantCulture),
            ChannelTarget = peer.DeviceId.ToString("x32", System.Globalization.CultureInfo.InvariantCulture),
        };
        SshStream stream = NewStream(socket, new SshConnection(client, _options.Time.GetTimestamp()), peer.DeviceId);
        if (_links.TryGetValue(peer.DeviceId, out SshLink? link) && link.Peer.IdentityKey.AsSpan().SequenceEqual(peer.IdentityKey))
        {
            stream.Link = link;
        }
        return Begin(stream);
    }

    private SshStream BeginAccepted(Socket socket)
    {
        SshServerOptions server = new()
        {
            Identity = _options.Identity,
            Random = _options.Random,
            Time = _options.Time,
            HandshakeLimit = _options.HandshakeLimit,
            RekeyBytes = _options.RekeyBytes,
            Device = _options.DeviceId,
            Authorize = (device, key) => _links.TryGetValue(device, out SshLink? link) && key.SequenceEqual(link.Peer.IdentityKey),
        };
        return Begin(NewStream(socket, new SshConnection(server, _options.Time.GetTimestamp()), 0));
    }

    private SshStream NewStream(Socket socket, SshConnection connection, UInt128 dialled) => new(socket, connection, this, _pool, Counters, _options) { Dialled = dialled };

    private SshStream Begin(SshStream stream)
    {
        bool stopped;
        lock (_lock)
        {
            _streams.Add(stream, stream.RunAsync());
            stopped = _stopped;
            if (!_ticking)
            {
                _ticking = true;
                _timer.Change(TickEvery, TickEvery);
            }
        }
        if (stopped)
        {
            stream.Abort();
        }
        return stream;
    }

    private void Tick()
    {
        ForEachStream(s => s.Tick());
        foreach (SshLink link in _links.Values)
        {
            if (link.NeedsTick)
            {
                link.Tick();
            }
        }
        lock (_lock)
        {
            if (_streams.Count == 0 && _ticking)
            {
                _ticking = false;
                _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void ForEachStream(Action<SshStream> action)
    {
        SshStream[] streams;
        lock (_lock)
        {
            streams = [.. _streams.Keys];
        }
        Array.ForEach(streams, action);
    }
}
