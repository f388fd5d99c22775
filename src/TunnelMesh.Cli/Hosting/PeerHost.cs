using System.Net;
using System.Security.Cryptography;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Contexts;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Dns;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Platform.Exit;
using TunnelMesh.Platform.Guard;
using TunnelMesh.Platform.NetworkMonitor;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Platform.SystemDns;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Platform.Users;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Cli.Hosting;

/// <summary>
/// A running peer. Order of the start: identity, control socket (a second peer of the context ends here, nothing else touched), device
/// key and state, coordinator if this machine is one, membership, mesh range, UDP socket, then side by side the control stream and
/// TUN with the data plane. Everything is undone in reverse, also when a step fails. Long, because the whole order of start and end is here, and nowhere else.
/// </summary>
internal sealed class PeerHost : IAsyncDisposable
{
    // How long a peer with a cached map waits for its coordinator before it says that it goes on without.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(1);
    private readonly CleanupStack _cleanup = new();
    private PeerHostOptions _options;
    private readonly CancellationTokenSource _stop = new();
    private readonly PeerApi _api;
    private Task _stream = Task.CompletedTask;
    private Task _plane = Task.CompletedTask;
    private readonly SemaphoreSlim _reloading = new(1, 1);
    private volatile bool _left;

    private PeerHost(PeerHostOptions options)
    {
        _options = options;
        _api = new PeerApi(options.Time, options.Version);
    }

    /// <summary>Starts a peer and runs it until it is told to stop, leaves, or cannot go on; everything it made is then removed.</summary>
    /// <param name="options">What it needs.</param>
    /// <param name="cancel">Stops it; this is no failure.</param>
    /// <exception cref="Exception">Of the kinds in <see cref="ExitCodes"/>.</exception>
    public static async Task RunAsync(PeerHostOptions options, CancellationToken cancel)
    {
        try
        {
            try
            {
                await StartAndWaitAsync(options, cancel).ConfigureAwait(false);
            }
            catch (ControlException e) when (e.Code == ControlErrorCodes.UnknownDevice && options.Token is not null && !cancel.IsCancellationRequested)
            {
                // The coordinator has forgotten this device, and the token is at hand: it is let in again, into the same mesh only.
                await StartAndWaitAsync(options with { Rejoin = true }, cancel).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Asked to stop while it started.
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _cleanup.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
        _reloading.Dispose();
    }

    private static async Task StartAndWaitAsync(PeerHostOptions options, CancellationToken cancel)
    {
        await using PeerHost host = new(options);
        await host.StartAsync(cancel).ConfigureAwait(false);
        await host.WaitAsync(cancel).ConfigureAwait(false);
        options.Service?.Stopping();
        options.Log.Stopping();
    }

    private async Task StartAsync(CancellationToken cancel)
    {
        if (_options.Settings is { AllowExitTraffic: true } or { ExitPeer.Length: > 0 } && OperatingSystem.IsLinux() && UnixUsers.EffectiveUserId != 0)
        {
            throw new HostException(ExitCode.Configuration,
                $"Exit traffic ({(_options.Settings.AllowExitTraffic ? "allow_exit_traffic" : "exit_peer")}) changes settings of the kernel for everybody on this machine, and this peer does not run as root. Take the key out, or have a peer of root's do it.");
        }
        string path = _options.Layout.Expand(_options.Settings.PrivateKey, _options.Layout.IdentityKey);
        IdentityKey identity = IdentityStore.LoadOrCreate(path, out bool made);
        if (made)
        {
            string peerId = PeerId.FromIdentityKey(identity.PublicKey);
            _options.Log.IdentityMade(path, peerId);
        }
        else if (IdentityStore.IsExposed(path))
        {
            _options.Log.IdentityExposed(path);
        }
        _cleanup.Add(LocalApiServer.Start(_api, _options.Layout.ControlSocket(_options.Context), _options.Time));
        ContextStore contexts = new(_options.Layout);
        int number = contexts.Ensure(_options.Context, out bool contextMade);
        // Whether anybody may know of the device key by now, which then has to be the same at the next try.
        bool deviceTold = false;
        if (contextMade && _options.Context != ContextName.Default)
        {
            _cleanup.Add(() => deviceTold ? ValueTask.CompletedTask : TakeBack(contexts));
        }
        if (number != _options.ContextNumber)
        {
            throw new HostException(ExitCode.InUse, $"Another context was made at the same moment and has the interface and the ports that were free for {_options.Context}. Run the same command again.");
        }
        // Before anything is asked of the system's resolver, which may point to a peer that is no more.
        _cleanup.AddDisposable(new HeapKeeper(_options.Time));
        SystemDnsSetup systemDns = _cleanup.AddDisposable(new SystemDnsSetup(NameFocus.Journal(_options.Layout, _options.Context), NameFocus.Turn(_options.Layout, _options.Context, _options.Time)));
        if (systemDns.Recover() is { } recovered)
        {
            _options.Log.DnsRecovered(recovered.Text);
        }
        IExitSetup exitSetup = ExitSystem.Open(_options.Layout.ExitJournal(_options.Context), _options.Binding);
        _cleanup.Add(() => EndExitAsync(exitSetup, cancel));
        if (exitSetup.Recover(keepBlock: _options.Settings is { ExitPeer.Length: > 0, ExitKillSwitch: true }) is { } leftBehind)
        {
            _options.Log.ExitRecovered(leftBehind.Text);
        }
        AddressGuard guard = _cleanup.AddDisposable(new AddressGuard(PeerGuard.Journal(_options.Layout, _options.Context)));
        if (guard.Recover() is { } rulesLeft)
        {
            _options.Log.GuardRecovered(rulesLeft.Text);
        }
        if (_options.Settings.ExitPeer.Length > 0)
        {
            DirectResolver direct = _cleanup.Add(new DirectResolver(() => systemDns.Servers(IPAddress.IsLoopback), _options.MarkSocket, _options.Resolve));
            _options = _options with { Resolve = direct.ResolveAsync, Dialling = _options.Dialling with { Resolve = direct.ResolveAsync } };
        }
        PeerStore store = new(_options.Layout.ContextDirectory(_options.Context), _options.Time);
        if (_options.Service is not null && store.HasLeft)
        {
            string left = Path.Combine(_options.Layout.ContextDirectory(_options.Context), PeerStore.LeftFile);
            throw new HostException(ExitCode.Configuration, $"This device has left its mesh, and its service does not join again by itself. To have it join: run `tunnelmesh join` by hand once, or delete {left}; then start the service.");
        }
        StoredPeer stored = StoredPeer.Load(store, _options.Log);
        bool serves = Serves();
        // After the writers below have ended, so that nothing they wrote last outlives the membership.
        _cleanup.Add(() =>
        {
            if (_left)
            {
                store.Clear();
            }
            return ValueTask.CompletedTask;
        });
        MembershipStep step;
        HostedCoordinator? coordinator = null;
        IReadOnlyList<IUdpSocket>? sockets = null;
        PeerCarriers? carriers = null;
        if (serves)
        {
            try
            {
                coordinator = _cleanup.Add(await HostedCoordinator.StartAsync(_options, identity, stored, cancel).ConfigureAwait(false));
            }
            finally
            {
                deviceTold = HostedCoordinator.Exists(_options.Settings);
            }
            MeshInfo mesh = coordinator.Membership.Mesh;
            _options.Log.Serves(mesh.MeshId, mesh.Cidr, coordinator.CaSha256);
            step = await MembershipStep.ServeAsync(_options, identity, stored, store, coordinator).ConfigureAwait(false);
        }
        else
        {
            try
            {
                step = await MembershipStep.GoAsync(_options, identity, stored, store, TryDevices, cancel).ConfigureAwait(false);
            }
            catch (ControlException e) when (e.Code is ControlErrorCodes.ProofRefused or ControlErrorCodes.RateLimited or ControlErrorCodes.Revoked or ControlErrorCodes.NameRefused or ControlErrorCodes.AddressesExhausted or ControlErrorCodes.ClockSkew)
            {
                // Refused before it was written down.
                deviceTold = false;
                throw;
            }
        }
        carriers ??= OpenCarriers();
        await ConnectAsync(store, stored, step, coordinator, sockets, carriers, systemDns, exitSetup, guard, cancel).ConfigureAwait(false);

        void TryDevices()
        {
            sockets = OpenSockets();
            carriers = OpenCarriers();
            TunDevice.Open(new TunOptions { Name = _options.Settings.TunName, Mtu = _options.Settings.TunMtu }).Dispose();
            deviceTold = true;
        }

        PeerCarriers OpenCarriers() => _cleanup.Add(new PeerCarriers(_options, identity, DeviceId.FromDeviceKey(stored.Device.Public)));
    }

    private ValueTask TakeBack(ContextStore contexts)
    {
        try
        {
            contexts.TakeBack(_options.Context);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It stays, as one that can be deleted.
        }
        return ValueTask.CompletedTask;
    }

    private bool Serves()
    {
        bool serves = _options.Settings.CoordinatorEnabled ?? _options.Server is null;
        if (serves && !OperatingSystem.IsLinux())
        {
            string why = OperatingSystem.IsMacOS()
                ? "the framework serves no TLS 1.3 on macOS"
                : "the files of a mesh's authority are kept private by file modes, which only Unix has";
            throw new HostException(ExitCode.Configuration,
                $"This machine cannot be a coordinator: {why}. Found the mesh on a Linux machine, and join it from here: tunnelmesh join HOST:8443");
        }
        return serves && _options.Server is { } server
            ? throw new HostException(ExitCode.Configuration,
                $"coordinator.enabled is true, but `join {server}` names a coordinator elsewhere. Several coordinators in one mesh are not yet supported in this version: leave out one of the two.")
            : serves;
    }

    private async Task ConnectAsync(PeerStore store, StoredPeer stored, MembershipStep step, HostedCoordinator? coordinator, IReadOnlyList<IUdpSocket>? opened, PeerCarriers carriers, SystemDnsSetup systemDns, IExitSetup exitSetup, AddressGuard addressGuard, CancellationToken cancel)
    {
        MeshInfo mesh = step.Membership.Mesh;
        string tunName = _options.Settings.TunName;
        _options.Range.Check(mesh.Cidr);
        KeyPins pins = new(stored.Pins, change => _options.Log.PinChanged(change.Name, change.OldKey, change.NewKey));
        NetworkMap? cached = CachedMap(stored, step, pins);
        TimestampStore timestamps = _cleanup.Add(new TimestampStore(store, stored.Timestamp, _options.Time, _options.Log.StateNotWritten));
        MapKeeper keeper = _cleanup.Add(new MapKeeper(store, pins, _options.Time, _options.Log.StateNotWritten));
        IReadOnlyList<IUdpSocket> sockets = opened ?? OpenSockets();
        IUdpSocket socket = sockets[0];
        PeerRuntime runtime = new(_options, step, keeper, cached, EndpointMonitor.List(tunName, socket.Port, mesh, _options.Range.OfOthers()), carriers);
        ControlStream stream = new(StreamOptions(store, step, runtime, pins, cached), _options.Time);
        MeetingRequests meetings = new(_options.Time);
        Task meeting = meetings.RunAsync(stream.AskToMeetAsync, _stop.Token);
        _stream = Task.Run(() => stream.RunAsync(_stop.Token), CancellationToken.None);
        Task streaming = _stream;
        _cleanup.Add(async () =>
        {
            await _stop.CancelAsync().ConfigureAwait(false);
            await meeting.ConfigureAwait(false);
            await streaming.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        });
        // Before the addresses are there.
        PeerGuard guard = _cleanup.Add(await PeerGuard.StartAsync(_options, addressGuard, step).ConfigureAwait(false));
        IReadOnlyList<ITunDevice> queues = TunDevice.OpenQueues(Tun(step.Membership), sockets.Count);
        ITunDevice tun = queues[0];
        LaneDevices[] lanes = [.. queues.Zip(sockets, (q, s) => new LaneDevices(_cleanup.AddDisposable(q), s))];
        TellInterface(tun, socket.Port);
        PeerInterface @interface = _cleanup.Add(new PeerInterface(tun, _options.Log, _options.Time, TunDevice.IsLookedAfter));
        // Nobody waits for it but the end: a resolver that is away keeps a lookup for a minute.
        Task resolving = runtime.FollowServerAsync(_stop.Token);
        _cleanup.Add(async () =>
        {
            await _stop.CancelAsync().ConfigureAwait(false);
            await resolving.ConfigureAwait(false);
        });
        int port = socket.Port;
        // Not every system gives the interface the name that was asked for.
        string name = tun.Name;
        INetworkMonitor network = _cleanup.AddDisposable(NetworkWatch.Start(name, _options.Log.NetworkUnknown, _options.Time, _options.Settings.FirewallMark));
        // Before anybody else hears of it and sends.
        network.Changed += _ => _options.Binding?.Refresh();
        _cleanup.Add(new EndpointMonitor(network, () => EndpointMonitor.List(name, port, mesh, _options.Range.OfOthers()), (list, stop) => EndpointsChangedAsync(runtime, stream, coordinator, network, list, stop), _options.Log.EndpointsUnknown, _options.Time));
        PeerNat nat = _cleanup.Add(new PeerNat(port, network, _options.Settings.PortMapping, _options.MarkSocket, read => PublicEndpointsChanged(runtime, stream, read), _options.Time));
        runtime.Follow(nat);
        PeerDns dns = _cleanup.Add(await PeerDns.StartAsync(_options, systemDns, step, name, tun.Addresses, network, cancel).ConfigureAwait(false));
        runtime.Follow(dns);
        PeerFilter filter = _cleanup.AddDisposable(new PeerFilter(_options.Settings, coordinator is not null, _options.Log, _options.Time, _options.LastingTime));
        network.Changed += filter.OnNetwork;
        runtime.Follow(filter);
        ExitTraffic traffic = new(_options.Settings.AllowExitTraffic, mesh.TryGetRanges(out IPNetwork range4, out IPNetwork range6) ? [range4, range6] : []);
        PeerExit exit = _cleanup.Add(await PeerExit.StartAsync(_options, exitSetup, runtime, dns, tun, network, step, traffic, () => IsAsked(cancel)).ConfigureAwait(false));
        // With the interface its routes of exit traffic were gone.
        @interface.PutBack += exit.LookNow;
        _api.Attach(new PeerApi.Parts(runtime, stream, step, @interface, dns, guard, exit, coordinator, filter, cancellation => ReloadFilterAsync(filter, coordinator, cancellation), () =>
        {
            _left = true;
            keeper.Forget();
            store.Clear();
        }));
        _api.Follow(_cleanup.Add(PeerMetrics.Start(_options, _api, step, stream, tun.Addresses, coordinator)));
        // Until there is a map, packets wait in the interface's own queue: without one, every destination would be called unreachable.
        if (await FirstAsync(runtime.MapKnown, cancel).ConfigureAwait(false))
        {
            LocalStatic key = _cleanup.AddDisposable(new LocalStatic(step.Request.Device.Private));
            DataPlane plane = _cleanup.AddDisposable(DataPlane.Start(new DataPlaneOptions
            {
                Lanes = lanes,
                ThreadsPerLane = _options.Settings.ThreadsPerLane,
                StayOnProcessor = _options.Settings.EffectiveStayOnProcessor,
                BatchBytes = _options.Settings.BatchBytes,
                Meet = meetings.Ask,
                Stun = nat.Handle,
                Nat = () => nat.Kind,
                OpenSocket = () => UdpSocket.Open(SocketOptions with { Port = 0 }),
                Key = key,
                LastSent = timestamps,
                Filter = filter.Filter,
                Exit = traffic,
                Time = _options.Time,
            }));
            _plane = plane.Completion;
            carriers.Attach(_options, step, stream, plane);
            nat.Attach(plane);
            runtime.Attach(plane);
            network.Changed += changes =>
            {
                // Changed addresses are told when they have been listed, so that the coordinator hears of them first.
                if ((changes & (NetworkChanges.Addresses | NetworkChanges.Links)) == 0)
                {
                    Refresh(runtime, stream, network);
                }
            };
            await AnnounceAsync(store, stored, step, runtime, exit, cached is not null, cancel).ConfigureAwait(false);
            if (_options.Service is { } service)
            {
                // Ended before the data plane is, since a data plane that ends answers nobody.
                _cleanup.Add(service.Watch(plane.AnswerAsync, _options.Log, _options.Time));
            }
        }
    }

    // The filter's part and who the admins are, whom rules name as a group: nothing else can be changed while a peer runs.
    private async Task ReloadFilterAsync(PeerFilter filter, HostedCoordinator? coordinator, CancellationToken cancellation)
    {
        // One after the other, so that what was read last is what holds.
        await _reloading.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await ReadFilterAsync(filter, coordinator, cancellation).ConfigureAwait(false);
        }
        finally
        {
            _reloading.Release();
        }
    }

    private async Task ReadFilterAsync(PeerFilter filter, HostedCoordinator? coordinator, CancellationToken cancellation)
    {
        Settings settings = _options.ReadSettings?.Invoke() ?? _options.Settings;
        if (coordinator is not null)
        {
            // First, since it alone can fail.
            await coordinator.Groups.SetAdminsAsync(settings.AdminPeers, cancellation).ConfigureAwait(false);
            MapFilter said = PeerFilter.ForMesh(settings);
            coordinator.SetFilter(said);
            // This device hears of it with the map, as all do, but whoever asked is answered before.
            filter.Take(said);
        }
        filter.Take(settings);
        _options.Log.FilterReloaded(settings.FilterRules.Count, filter.Filter.DefaultDeny);
    }

    private UdpSocketOptions SocketOptions => new()
    {
        Port = _options.Settings.EffectiveUdpPort,
        Offloads = _options.Settings.UdpOffloads ? UdpOffloads.All : UdpOffloads.None,
        BufferBytes = _options.Settings.SocketBufferBytes,
        FirewallMark = _options.Settings.FirewallMark,
        ConfigureSocket = _options.MarkSocket,
    };

    private IReadOnlyList<IUdpSocket> OpenSockets()
    {
        Settings settings = _options.Settings;
        try
        {
            IReadOnlyList<IUdpSocket> sockets = UdpSocket.OpenGroup(SocketOptions, TunDevice.HasQueues ? settings.EffectiveLanes : 1);
            foreach (IUdpSocket socket in sockets)
            {
                _cleanup.AddDisposable(socket);
            }
            return sockets;
        }
        catch (UdpSocketException e) when (e.Error == UdpError.PortInUse)
        {
            throw new HostException(ExitCode.InUse, $"{e.Message} The setting is udp_port.", e);
        }
    }

    private void TellInterface(ITunDevice tun, int udpPort)
    {
        _options.Log.InterfaceUp(tun.Name, tun.Mtu, udpPort);
        if (!tun.Addresses.Any(a => a.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6))
        {
            _options.Log.NoIPv6(tun.Mtu < TunDevice.MinIPv6Mtu
                ? $"IPv6 needs an MTU of {TunDevice.MinIPv6Mtu} (RFC 8200), tun.mtu is {tun.Mtu}"
                : "IPv6 is switched off on this machine");
        }
    }

    // The user of this machine wants the end: by a signal, the service manager, or a command.
    private bool IsAsked(CancellationToken cancel) => !_options.StopsUnasked() && (cancel.IsCancellationRequested || _api.Shutdown.IsCompleted || _left);

    private async ValueTask EndExitAsync(IExitSetup setup, CancellationToken cancel)
    {
        if (IsAsked(cancel))
        {
            // What was there before and was not taken over; all else is undone by now.
            if (await Task.Run(setup.Revert, CancellationToken.None).ConfigureAwait(false) is { } problem)
            {
                _options.Log.ExitNotPutBack(problem);
            }
        }
        else if (await Task.Run(setup.IsClosed, CancellationToken.None).ConfigureAwait(false))
        {
            string flag = ContextName.Flag(_options.Context, _options.Layout.ActiveContext);
            _options.Log.ExitStaysClosed(flag);
        }
        setup.Dispose();
    }

    // False when the peer has to stop before it came.
    private async Task<bool> FirstAsync(Task wanted, CancellationToken cancel)
    {
        Task first = await Task.WhenAny(wanted, _stream, _api.Shutdown, Task.Delay(Timeout.InfiniteTimeSpan, cancel)).ConfigureAwait(false);
        cancel.ThrowIfCancellationRequested();
        await first.ConfigureAwait(false);
        return first == wanted;
    }

    private TunOptions Tun(PeerMembership membership)
    {
        IPNetwork range = IPNetwork.Parse(membership.Mesh.Cidr);
        return new TunOptions
        {
            Name = _options.Settings.TunName,
            Mtu = _options.Settings.TunMtu,
            Offloads = _options.Settings.TunOffloads ? TunOffloads.All : TunOffloads.None,
            SuperPacketBytes = SuperPacketSize.BytesFor(_options.Settings.TunMtu),
            // Subnet 0 of the mesh's /48 holds the devices.
            Addresses = [new TunAddress(IPAddress.Parse(membership.Device.Ip), range.PrefixLength), new TunAddress(IPAddress.Parse(membership.Device.Ip6), 64)],
        };
    }

    private ControlStreamOptions StreamOptions(PeerStore store, MembershipStep step, PeerRuntime runtime, KeyPins pins, NetworkMap? cached) => new()
    {
        Request = step.Request,
        MeshRoot = step.Membership.MeshRoot,
        Mesh = step.Membership.Mesh,
        Certificate = step.Certificate,
        Map = cached,
        Pins = pins,
        Endpoints = runtime.DescribeEndpoints,
        Transports = _options.Settings.Transports,
        Aliases = _options.Settings.DnsAliases,
        AllowsExit = _options.Settings.AllowExitTraffic,
        OnMap = runtime.OnMap,
        Nat = runtime.DescribeNat,
        OnMeeting = runtime.OnMeeting,
        OnState = runtime.OnState,
        OnRenewed = result =>
        {
            try
            {
                store.SaveCertificate(result.Certificate);
                _options.Log.Renewed(result.Certificate.NotAfter);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                _options.Log.StateNotWritten(e);
            }
        },
    };

    private NetworkMap? CachedMap(StoredPeer stored, MembershipStep step, KeyPins pins)
    {
        byte[] root = SHA256.HashData(step.Membership.MeshRoot);
        if (stored.Map is not { } map || !stored.IsMember || !map.Map.Mesh.IsSameMesh(step.Membership.Mesh))
        {
            return null;
        }
        DateTimeOffset now = _options.Time.GetUtcNow();
        if (map.IsTooOld(now))
        {
            TimeSpan age = now - DateTimeOffset.FromUnixTimeMilliseconds(map.ConfirmedUnixMs);
            _options.Error.WriteLine(
                $"The cached network map is {age.TotalDays:0} days old; the mesh allows {TimeSpan.FromSeconds(map.Map.Mesh.MapMaxAgeSeconds).TotalDays:0}. It is not used: this peer waits for a coordinator.");
            return null;
        }
        MapChange built = NetworkMap.FromFull(map.ToStart(), root, null, pins, now);
        if (built.Dropped > 0)
        {
            _options.Log.EntriesDropped(built.Dropped);
        }
        return built.Map;
    }

    private async Task EndpointsChangedAsync(PeerRuntime runtime, ControlStream stream, HostedCoordinator? coordinator, INetworkMonitor network, IReadOnlyList<IPEndPoint> endpoints, CancellationToken cancel)
    {
        bool changed = runtime.SetEndpoints(endpoints);
        if (changed)
        {
            if (coordinator is not null)
            {
                await coordinator.AddressesChangedAsync().ConfigureAwait(false);
            }
            string list = string.Join(',', endpoints);
            _options.Log.EndpointsChanged(list);
            Refresh(runtime, stream, network);
            await stream.PushEndpointsAsync(cancel).ConfigureAwait(false);
        }
        // At every look: a coordinator lists its addresses before this one does, and a list that failed is made again. Last, since it may fail, and what has changed is told once.
        coordinator?.TellAddresses();
    }

    private static void Refresh(PeerRuntime runtime, ControlStream stream, INetworkMonitor network)
    {
        stream.Refresh(IsOwn);
        runtime.NetworkChanged(IsOwn);
        bool IsOwn(IPAddress address) => network.State.Addresses.Any(a => a.Address.Equals(address));
    }

    private void PublicEndpointsChanged(PeerRuntime runtime, ControlStream stream, Func<IReadOnlyList<IPEndPoint>> read)
    {
        if (runtime.SetPublicEndpoints(read, out IReadOnlyList<IPEndPoint> endpoints))
        {
            if (endpoints.Count == 0)
            {
                _options.Log.PublicEndpointsGone();
            }
            else
            {
                string list = string.Join(',', endpoints);
                _options.Log.PublicEndpointsChanged(list);
            }
            _ = stream.PushEndpointsAsync(_stop.Token);
        }
    }

    private async Task AnnounceAsync(PeerStore store, StoredPeer stored, MembershipStep step, PeerRuntime runtime, PeerExit exit, bool cached, CancellationToken cancel)
    {
        // A peer with a cached map does not wait long for a coordinator that does not answer at all.
        Task wanted = cached ? Task.WhenAny(runtime.Ready, Task.Delay(Grace, _options.Time, cancel)) : runtime.Ready;
        if (!await FirstAsync(wanted, cancel).ConfigureAwait(false))
        {
            return;
        }
        bool connected = runtime.Ready.IsCompleted && await runtime.Ready.ConfigureAwait(false);
        PeerMembership member = step.Membership;
        MapDevice self = runtime.Map?.Devices.GetValueOrDefault(member.Device.Id)?.Wire ?? member.Device;
        string usable = $"Connected to mesh as {self.Name} ({self.Ip})";
        if (connected)
        {
            await exit.RequirePeerAsync(cancel).ConfigureAwait(false);
            MembershipStep.Update(store, member with { Server = step.Request.Server.ToString(), Device = self }, _options.Log);
        }
        else
        {
            DateTimeOffset age = DateTimeOffset.FromUnixTimeMilliseconds(stored.Map!.ConfirmedUnixMs);
            usable += ", by the stored network map: the coordinator is away";
            await _options.Error.WriteLineAsync(
                $"The coordinator is away, so the network map of {age.UtcDateTime:yyyy-MM-dd HH:mm} UTC is used until it is back. {runtime.Problem ?? $"{step.Request.Server} has not answered yet."}").ConfigureAwait(false);
        }
        await _options.Output.WriteLineAsync(usable).ConfigureAwait(false);
        await _options.Output.FlushAsync(cancel).ConfigureAwait(false);
        _options.Service?.Ready(usable);
        _options.Connected?.Invoke(member);
    }

    private async Task WaitAsync(CancellationToken cancel)
    {
        Task stopped = Task.Delay(Timeout.InfiniteTimeSpan, cancel);
        Task first = await Task.WhenAny(stopped, _stream, _plane, _api.Shutdown).ConfigureAwait(false);
        if (first == stopped)
        {
            return;
        }
        await first.ConfigureAwait(false);
        if (first == _stream)
        {
            // It ends without a fault after leaving: whoever asked is answered before the control socket goes.
            await Task.WhenAny(_api.Shutdown, stopped, Task.Delay(AnswerPatience, _options.Time, CancellationToken.None)).ConfigureAwait(false);
        }
    }
}
