using System.Net;
using System.Security.Cryptography;
using TunnelMesh.Node.Filter;
using TunnelMesh.Node.Nat;
using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Sessions;
using TunnelMesh.Node.Transports;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Node.DataPlane;

/// <summary>The engines at work: the lanes of one device, and their sum.</summary>
public sealed class DataPlane : ICarrierSink, IDisposable
{
    // What one device can make us probe with one word to the coordinator.
    private const int MaxMeetingEndpoints = 16;

    private readonly DataPlaneOptions _options;
    private readonly TunnelMembers _members;
    private readonly Lane[] _lanes;
    private readonly LaneMail[] _mail;
    private readonly CarrierSet _carriers = new();
    private readonly SideSockets? _sockets;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _starting = new();
    private int _running, _disposed;
    private bool _started;

    private DataPlane(DataPlaneOptions options)
    {
        _options = options;
        _running = options.Lanes.Count * options.ThreadsPerLane;
        _members = new TunnelMembers(new WireGuardDevice(options.Key, options.Time, RandomNumberGenerator.Fill, options.LastSent) { Lanes = options.Lanes.Count }, options.Time, options.Lanes[0].Tun.Mtu, options.Filter, options.Exit);
        _sockets = options.OpenSocket is { } open ? new SideSockets(open, id => _members.Find(id) is not null, this) : null;
        var lanes = new List<Lane>();
        _mail = [.. Enumerable.Range(0, options.Lanes.Count).Select(i => new LaneMail(() => lanes[i].Wake()))];
        try
        {
            for (int i = 0; i < options.Lanes.Count; i++)
            {
                lanes.Add(new Lane(options, _members, i, _mail, _carriers, _sockets, Ended));
            }
        }
        catch
        {
            lanes.ForEach(l => l.Dispose());
            throw;
        }

        _lanes = [.. lanes];
    }

    /// <summary>Dropped packets by reason, and batches; the sum of all threads, as it is now.</summary>
    public DataPlaneCounters Counters => DataPlaneCounters.Sum(_lanes.SelectMany(l => l.Counters));

    /// <summary>Handshake datagrams by result.</summary>
    public WireGuardCounters HandshakeCounters => _members.Device.Counters;

    /// <summary>Peers left out because of an unusable key, since start.</summary>
    public long RefusedPeers => _members.Refused;

    /// <summary>How many lanes there are.</summary>
    public int Lanes => _lanes.Length;

    /// <summary>Threads of each lane, 1 or 2.</summary>
    public int ThreadsPerLane => _options.ThreadsPerLane;

    /// <summary>Whether threads of lanes stay on a processor while they are busy: they are to, and the system lets them.</summary>
    public bool StaysOnProcessor => _lanes.Any(l => l.MayStay);

    /// <summary>Processors that threads of lanes stay on, because they are busy there now.</summary>
    public IReadOnlyList<int> Processors => [.. _lanes.SelectMany(l => l.Processors)];

    /// <summary>The packet filter; null where everything comes in.</summary>
    public PacketFilter? Filter => _options.Filter;

    /// <summary>Offloads of the TUN in use.</summary>
    public TunOffloads TunOffloads => _options.Lanes[0].Tun.Offloads;

    /// <summary>Offloads of the socket in use.</summary>
    public UdpOffloads UdpOffloads => _options.Lanes[0].Socket.Offloads;

    /// <summary>Trains of datagrams that the system refused, and that went one by one.</summary>
    public long SegmentationFallbacks => _options.Lanes.Sum(l => l.Socket.SegmentationFallbacks);

    /// <summary>Ends with the data plane; faults with a <see cref="TunException"/> when the interface is gone.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Prepares the lanes; they run from the first <see cref="SetPeers"/> on, since before it every destination would be called unreachable.
    /// What comes until then waits in the devices.</summary>
    /// <param name="options">Devices and keys; the devices are disposed too when starting fails.</param>
    /// <exception cref="PlatformNotSupportedException">The devices are not of one operating system.</exception>
    /// <exception cref="IOException">The system has no descriptor left.</exception>
    public static DataPlane Start(DataPlaneOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfZero(options.Lanes.Count);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.ThreadsPerLane, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.ThreadsPerLane, 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BatchBytes, 64 * 1024);
        try
        {
            return new DataPlane(options);
        }
        catch
        {
            CloseDevices(options);
            throw;
        }
    }

    /// <summary>Replaces the list of peers. Any thread, on which the work is done: an X25519 for each new peer, and a new table when prefixes have changed.</summary>
    /// <param name="peers">All peers; not changed afterwards.</param>
    public void SetPeers(IReadOnlyCollection<PeerSpec> peers)
    {
        ArgumentNullException.ThrowIfNull(peers);
        lock (_starting)
        {
            if (_disposed != 0 || _completion.Task.IsCompleted)
            {
                return;
            }

            _members.Replace(peers);
            _sockets?.Sweep();
            if (_started)
            {
                Array.ForEach(_lanes, l => l.Wake());
            }
            else
            {
                _started = true;
                Array.ForEach(_lanes, l => l.Start());
            }
        }
    }

    /// <summary>Adds a carrier, before the first <see cref="SetPeers"/>; it stays the caller's.</summary>
    /// <param name="carrier">One of its transport.</param>
    public void Add(IDatagramCarrier carrier) => _carriers.Add(carrier);

    /// <summary>Sends a datagram of another protocol from the tunnel's port. Any thread.</summary>
    /// <param name="datagram">No WireGuard message.</param>
    /// <param name="destination">Where to.</param>
    /// <returns>False when the system refused it.</returns>
    public bool Send(ReadOnlySpan<byte> datagram, in UdpEndpoint destination) => _options.Lanes[0].Socket.Send(datagram, destination);

    /// <summary>A device says over the coordinator that it is probing this one now, and from where. Any thread.</summary>
    /// <param name="deviceId">Which device.</param>
    /// <param name="endpoints">Its addresses.</param>
    /// <param name="nat">How its NAT is; null when that was not told.</param>
    public void NoteMeeting(string deviceId, IReadOnlyList<IPEndPoint> endpoints, NatWord? nat = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        if (_members.Find(deviceId) is { } tunnel)
        {
            PathAddress[] addresses = [.. endpoints.Take(MaxMeetingEndpoints).Select(e => PathAddress.Udp(UdpEndpoint.From(e)))];
            _mail[tunnel.Session.Lane].TryPost(new LaneLetter(tunnel, null, default, LaneNews.Meet, addresses, Nat: nat));
        }
    }

    /// <summary>Pings a device inside its session, over the path in use; begins the session if there is none. Any thread. One ping a device at a time: a newer one cancels it.</summary>
    /// <param name="deviceId">Which device.</param>
    /// <param name="cancel">Waits no longer.</param>
    /// <returns>Null when there is no such device.</returns>
    /// <exception cref="OperationCanceledException">There was no answer in time, or a newer ping came.</exception>
    public async Task<PingResult?> PingAsync(string deviceId, CancellationToken cancel)
    {
        if (_members.Find(deviceId) is not { } tunnel)
        {
            return null;
        }

        PendingPing ping = new();
        await using CancellationTokenRegistration ended = cancel.Register(ping.Cancel);
        _mail[tunnel.Session.Lane].TryPost(new LaneLetter(tunnel, null, default, LaneNews.Ping, Ping: ping));
        return await ping.Answer.ConfigureAwait(false);
    }

    /// <summary>The network of this machine changed: paths are doubted and tried again at once. Any thread.</summary>
    public void NoteNetworkChanged()
    {
        foreach (LaneMail mail in _mail)
        {
            mail.TryPost(new LaneLetter(null, null, default, LaneNews.NetworkChanged));
        }
    }

    /// <inheritdoc/>
    int ICarrierSink.Deliver(in PathAddress source, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        // All lanes but one pass on what is another's.
        ReadOnlySpan<byte> first = datagrams[..Math.Min(segmentSize, datagrams.Length)];
        int lane = WireGuardMessage.TryReadReceiver(first, WireGuardMessage.TypeOf(first), out uint receiver) ? _members.Device.LaneOf(receiver) : 0;
        return _lanes[lane].Inbox.TryAdd(source, datagrams, segmentSize) ? 0 : (datagrams.Length + segmentSize - 1) / segmentSize;
    }

    /// <inheritdoc/>
    void ICarrierSink.NoteOpen(in PathAddress path, bool open)
    {
        if (_members.Find(path.Device) is { } tunnel)
        {
            _mail[tunnel.Session.Lane].TryPost(new LaneLetter(tunnel, null, path, open ? LaneNews.Opened : LaneNews.Closed));
        }
    }

    /// <summary>How the tunnel to one device is doing; null when there is none. Any thread.</summary>
    public PeerStats? GetStats(string deviceId) => _members.Find(deviceId)?.GetStats();

    /// <summary>How each tunnel is doing. Any thread.</summary>
    public IReadOnlyList<PeerStats> GetStats() => [.. _lanes.SelectMany(l => l.GetStats())];

    /// <summary>
    /// Ends when every thread of every lane has come round once more, which takes as long as the batches at hand; never while one hangs, nor
    /// before the first <see cref="SetPeers"/> or after the end. Any thread.
    /// </summary>
    public Task AnswerAsync() => Task.WhenAll(_lanes.Select(l => l.AnswerAsync()));

    /// <summary>Ends the lanes, zeroes the sessions' keys and removes the interface.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        lock (_starting)
        {
            Array.ForEach(_lanes, l => l.Stop());
        }

        Array.ForEach(_lanes, l => l.Dispose());
        _sockets?.Dispose();
        _members.Replace([]);
        _completion.TrySetResult();
        CloseDevices(_options);
    }

    private static void CloseDevices(DataPlaneOptions options)
    {
        foreach (LaneDevices lane in options.Lanes)
        {
            lane.Tun.Dispose();
            lane.Socket.Dispose();
        }
    }

    private void Ended(Exception? failure)
    {
        if (failure is not null)
        {
            // One lane less would lose packets silently: the others end too.
            _completion.TrySetException(failure);
            Array.ForEach(_lanes, l => l.Stop());
        }

        if (Interlocked.Decrement(ref _running) == 0)
        {
            _members.Replace([]);
            _completion.TrySetResult();
        }
    }
}
