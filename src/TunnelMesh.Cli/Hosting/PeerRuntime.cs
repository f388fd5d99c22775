using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.ExitNode;
using TunnelMesh.Node.Nat;
using TunnelMesh.Node.Paths;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Cli.Hosting;

/// <summary>
/// What ties map, control stream and data plane together while a peer runs: every change of map or endpoints goes on to the data plane
/// as one whole list of peers. Callbacks of the stream come on its own task; the rest from any thread.
/// </summary>
internal sealed class PeerRuntime
{
    private readonly PeerHostOptions _options;
    private readonly MembershipStep _step;
    private readonly MapKeeper _keeper;
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource<bool> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _mapKnown = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<bool> _stands = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly bool _mapIsCached;
    private readonly IReadOnlyList<PathTransport> _transports;
    private NetworkMap? _map;
    private DataPlane? _plane;
    private readonly PeerCarriers? _carriers;
    private PeerNat? _nat;
    private PeerDns? _dns;
    private PeerFilter? _filter;
    private IReadOnlyList<IPEndPoint> _endpoints, _outside = [];
    private IReadOnlyList<IPAddress> _dialled = [];
    private string? _problem;
    private bool _connected;

    /// <summary>Prepares; nothing runs yet.</summary>
    /// <param name="options">The start's options.</param>
    /// <param name="step">The membership.</param>
    /// <param name="keeper">Keeps the map.</param>
    /// <param name="cached">The map from the cache, if it may be used.</param>
    /// <param name="endpoints">Where this device listens.</param>
    /// <param name="carriers">What carries datagrams beside UDP; the caller's.</param>
    public PeerRuntime(PeerHostOptions options, MembershipStep step, MapKeeper keeper, NetworkMap? cached, IReadOnlyList<IPEndPoint> endpoints, PeerCarriers? carriers)
    {
        _carriers = carriers;
        _options = options;
        _step = step;
        _keeper = keeper;
        _map = cached;
        _mapIsCached = cached is not null;
        _endpoints = endpoints;
        _transports = PathNames.Parse(options.Settings.Transports);
        if (_mapIsCached)
        {
            _mapKnown.SetResult();
        }
    }

    /// <summary>Ends when there is a map, from the cache or a coordinator. Faults as <see cref="Ready"/> does.</summary>
    public Task MapKnown => _mapKnown.Task;

    /// <summary>The newest map, or null.</summary>
    public NetworkMap? Map
    {
        get
        {
            lock (_gate)
            {
                return _map;
            }
        }
    }

    /// <summary>The data plane, once there is one.</summary>
    public DataPlane? Plane
    {
        get
        {
            lock (_gate)
            {
                return _plane;
            }
        }
    }

    /// <summary>
    /// Ends when the peer may be used: true with a coordinator connected, false with the cached map because the coordinator is away.
    /// Faults when trying again cannot help.
    /// </summary>
    public Task<bool> Ready => _ready.Task;

    /// <summary>Why the coordinator is not connected, or null.</summary>
    public string? Problem => Volatile.Read(ref _problem);

    /// <summary>What carries datagrams beside UDP.</summary>
    public PeerCarriers? Carriers => _carriers;

    /// <summary>What this peer may use, the preferred first.</summary>
    public IReadOnlyList<PathTransport> Transports => _transports;

    /// <summary>How this peer is seen from outside; null before that is looked at.</summary>
    public PeerNat? Nat
    {
        get
        {
            lock (_gate)
            {
                return _nat;
            }
        }
    }

    /// <summary>False where this machine has neither an address nor a default route; true before that is looked at.</summary>
    public bool HasNetwork => Nat is not { Network: { V4: null, V6: null, Addresses.Count: 0 } };

    /// <summary>From now on the servers that tell how this peer is seen from outside follow the map.</summary>
    public void Follow(PeerNat nat)
    {
        lock (_gate)
        {
            _nat = nat;
            Apply();
        }
    }

    /// <summary>From now on the names follow the map.</summary>
    public void Follow(PeerDns dns)
    {
        lock (_gate)
        {
            _dns = dns;
            Apply();
        }
    }

    /// <summary>From now on the packet filter follows the map. Before the data plane is attached.</summary>
    public void Follow(PeerFilter filter)
    {
        lock (_gate)
        {
            _filter = filter;
            if (_map is { } map)
            {
                filter.Take(map);
            }
        }
    }

    /// <summary>This machine is connected otherwise than before: paths and streams are looked at again. Any thread.</summary>
    /// <param name="isOwn">Whether an address is this machine's.</param>
    public void NetworkChanged(Func<IPAddress, bool> isOwn)
    {
        Plane?.NoteNetworkChanged();
        _carriers?.Refresh(isOwn);
    }

    /// <summary>The data plane is up: from now on it follows the map.</summary>
    public void Attach(DataPlane plane)
    {
        lock (_gate)
        {
            _plane = plane;
            Apply();
        }
    }

    /// <summary>Endpoints as the coordinator is told.</summary>
    public EndpointsUpdate DescribeEndpoints()
    {
        lock (_gate)
        {
            return new EndpointsUpdate
            {
                UdpPort = _endpoints.Count > 0 ? _endpoints[0].Port : 0,
                SshPort = _carriers?.SshPort ?? 0,
                Endpoints = [.. _outside.Concat(_endpoints).Distinct().Select(e => e.ToString())],
            };
        }
    }

    /// <summary>This peer's NAT as others are told when they are asked to meet it.</summary>
    public (string? Nat, string? Mapped) DescribeNat() => Nat?.Report.Words ?? default;

    /// <summary>Addresses of this machine changed.</summary>
    /// <returns>True when they differ from those before.</returns>
    public bool SetEndpoints(IReadOnlyList<IPEndPoint> endpoints)
    {
        lock (_gate)
        {
            if (_endpoints.SequenceEqual(endpoints))
            {
                return false;
            }
            _endpoints = endpoints;
            Apply();
            return true;
        }
    }

    /// <summary>Where this peer is seen from outside has changed, or may have.</summary>
    /// <param name="read">Reads it.</param>
    /// <param name="endpoints">What was read.</param>
    /// <returns>True when it differs from before.</returns>
    public bool SetPublicEndpoints(Func<IReadOnlyList<IPEndPoint>> read, out IReadOnlyList<IPEndPoint> endpoints)
    {
        lock (_gate)
        {
            // Read here, so that of two who tell at the same time the newer is the last.
            endpoints = read();
            bool changed = !_outside.SequenceEqual(endpoints);
            _outside = endpoints;
            return changed;
        }
    }

    /// <summary>
    /// Finds the addresses behind the coordinator's name and offers them to the data plane: now, and whenever the stream stands anew, since they
    /// may have changed. Runs until it is cancelled.
    /// </summary>
    public async Task FollowServerAsync(CancellationToken cancel)
    {
        try
        {
            if (IPAddress.TryParse(_step.Request.Server.Host, out IPAddress? literal))
            {
                SetDialled([literal]);
                return;
            }
            while (true)
            {
                try
                {
                    // The system's resolver does not hear of a cancellation.
                    SetDialled(await _options.Resolve(_step.Request.Server.Host).WaitAsync(cancel).ConfigureAwait(false));
                }
                catch (SocketException)
                {
                    // The stream tells that the name cannot be resolved; the map's own endpoints remain.
                }
                await _stands.Reader.ReadAsync(cancel).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    /// <summary>The stream has a new map.</summary>
    public void OnMap(MapChange change)
    {
        _keeper.Update(change);
        _options.Log.MapChanged(change.Map.Number, change.Map.Devices.Count);
        if (change.Dropped > 0)
        {
            _options.Log.EntriesDropped(change.Dropped);
        }
        lock (_gate)
        {
            _map = change.Map;
            _filter?.Take(change);
            // Presence is a hint and no matter of the data plane.
            if (change.Upserted.Count > 0 || change.Removed.Count > 0 || change.CoordinatorsChanged)
            {
                Apply();
            }
        }
        _mapKnown.TrySetResult();
        _ready.TrySetResult(true);
    }

    /// <summary>Another device is probing this one now.</summary>
    public void OnMeeting(Meeting meeting)
    {
        NetworkMap? map;
        DataPlane? plane;
        lock (_gate)
        {
            (map, plane) = (_map, _plane);
        }
        if (plane is not null && map is not null && map.Devices.ContainsKey(meeting.Device))
        {
            plane.NoteMeeting(meeting.Device, MapPeers.Parse(meeting.Endpoints, map.Ranges), NatWord.Of(meeting));
        }
    }

    /// <summary>True while the control stream stands. Any thread.</summary>
    public bool IsConnected => Volatile.Read(ref _connected);

    /// <summary>The stream's state has changed.</summary>
    public void OnState(ControlState state)
    {
        if (state.Phase != ControlPhase.Ended)
        {
            _keeper.SetConnected(state.Phase == ControlPhase.Connected);
        }
        Volatile.Write(ref _connected, state.Phase == ControlPhase.Connected);
        string? before = Interlocked.Exchange(ref _problem, state.Problem);
        if (state.Phase == ControlPhase.Connected)
        {
            _options.Log.ControlConnected(state.Server);
            _stands.Writer.TryWrite(true);
            if (_mapIsCached)
            {
                // A coordinator with nothing new to say stays silent.
                _ready.TrySetResult(true);
            }
        }
        else if (state is { Phase: ControlPhase.Disconnected, Problem: { } problem })
        {
            if (problem != before)
            {
                _options.Log.ControlLost(state.Server, problem);
            }
            Lost(state.Code ?? ControlErrorCodes.Internal, problem);
        }
    }

    // Only before the peer is usable: afterwards the stream comes back by itself.
    private void Lost(string code, string problem)
    {
        if (code == ControlErrorCodes.ProofRefused && _mapIsCached)
        {
            // The certificate alone may have ended: its renewal, which is next, tells whether this device is still a member.
            return;
        }
        bool sameServer = _step.Request.Server.ToString() == _step.Membership.Server;
        if (_mapIsCached && sameServer)
        {
            _ready.TrySetResult(false);
        }
        else if (!_step.JustJoined && code is ControlFailure.Tls or ControlFailure.ProofMismatch or ControlFailure.NotACoordinator or ControlErrorCodes.UnsupportedVersion or ControlErrorCodes.ClockSkew)
        {
            string which = sameServer ? "" : $" The context {_options.Context} is a member of the mesh at {_step.Membership.Server}; to join another mesh, use another --context. Nothing was changed.";
            ControlException final = new(code, problem + which);
            _ready.TrySetException(final);
            _mapKnown.TrySetException(final);
        }
        else if (_mapIsCached)
        {
            _ready.TrySetResult(false);
        }
    }

    private void SetDialled(IPAddress[] found)
    {
        lock (_gate)
        {
            IPAddress[] dialled = [.. found.Where(a => !IPAddress.IsLoopback(a))];
            if (!dialled.SequenceEqual(_dialled))
            {
                _dialled = dialled;
                Apply();
            }
        }
    }

    private void Apply()
    {
        if (_map is not { } map)
        {
            return;
        }
        _nat?.SetServers(map, _dialled);
        _dns?.Take(map);
        if (_plane is { } plane)
        {
            string own = _step.Membership.Device.Id;
            IReadOnlyList<PeerSpec> peers = MapPeers.Build(map, own, [.. _endpoints, .. _outside], _dialled, _transports,
                _options.Settings.ExitPeer is { Length: > 0 } exit ? ExitChoice.Of(map, exit, own).Device?.Id : null);
            _carriers?.SetPeers(map, own, peers);
            plane.SetPeers(peers);
        }
    }
}
