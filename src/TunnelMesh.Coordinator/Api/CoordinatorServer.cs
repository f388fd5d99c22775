using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text.Json;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using TunnelMesh.Coordinator.Access;
using TunnelMesh.Coordinator.Certificates;
using TunnelMesh.Coordinator.Logging;
using TunnelMesh.Coordinator.Registry;
using TunnelMesh.Coordinator.Relay;
using TunnelMesh.Coordinator.Rendezvous;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;
using TunnelMesh.Protocol.Limits;

namespace TunnelMesh.Coordinator.Api;

/// <summary>A coordinator that serves: joins, renewals, control streams, the relay, health and version over TLS 1.3. Thread-safe.</summary>
public sealed class CoordinatorServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15), StopTime = TimeSpan.FromSeconds(3);

    // A peer pings every 5 s, so a stream that was silent for longer than this is asked, and has this long to answer: a host
    // that vanished is noticed within 15 s and a timer's turn. Streams that do speak cost no ping of ours.
    private static readonly WebSocketAcceptContext KeepAlive = new()
    {
        KeepAliveInterval = TimeSpan.FromSeconds(7.5),
        KeepAliveTimeout = TimeSpan.FromSeconds(7.5),
    };

    private readonly CoordinatorServerOptions _options;
    // Apart, so that a machine with a wrong token keeps nobody behind its address from renewing: keys are not guessed, tokens might be.
    private readonly ProofRateLimiter _joins, _renewals;
    private readonly RefusalLog _refusals;
    private readonly ServerCertificates _certificates;
    private readonly ClientCertificateCheck _clients;
    private readonly MeshRegistry _registry;
    private readonly ControlSessions _sessions;
    private readonly MapPublisher _publisher;
    private readonly Housekeeping _housekeeping;
    private readonly JoinHandler _join;
    private readonly ControlHandler _control;
    private readonly RelayServer _relay;
    private readonly ServerServices _services;
    private readonly KestrelServer _server;
    private readonly CancellationTokenSource _stop = new();
    private readonly LiveTokens _tokens;
    private readonly Lock _listing = new();
    private IReadOnlyList<string> _urls, _stun;
    private IPEndPoint _binding;
    private int _disposed;

    private CoordinatorServer(CoordinatorServerOptions options, MeshRow mesh, MeshRegistry registry, DeviceRow? self)
    {
        _options = options;
        _binding = options.Listen;
        (_urls, _stun) = (options.Urls, options.Stun);
        _registry = registry;
        Self = self;
        _tokens = new LiveTokens(options.State, options.Time, options.Logger);
        Groups = new LiveGroups(options.State, registry, options.Logger);
        _joins = new ProofRateLimiter(options.Time);
        _renewals = new ProofRateLimiter(options.Time);
        _refusals = new RefusalLog(options.Logger, options.Time);
        _certificates = new ServerCertificates(options.Authority, options.Time);
        _clients = new ClientCertificateCheck(options.Authority, options.Time);
        _sessions = new ControlSessions(registry.Map, options.Time, options.Logger);
        RenewCertificate();
        _services = new ServerServices(options.Logger);
        _server = Listener.Build(options, _services, _certificates, new ConnectionGate(options.StrangersPerAddress, options.StrangersInAll, options.StrangerGrace, options.Time), _refusals, Bind);
        _publisher = new MapPublisher(registry.Map, () => _sessions.Count, _sessions.WakeAll, options.Time, options.Logger);
        _join = new JoinHandler(options, registry, _joins, _renewals, _refusals, () => _tokens.Current);
        _relay = new RelayServer(options.Relay, registry.Map, _refusals, options.Time, options.Logger);
        _control = new ControlHandler(options.State, registry, _publisher, _sessions, _relay, new EndpointRules(mesh.Cidr, mesh.Ula), _refusals, options.Time, options.Logger);
        _housekeeping = new Housekeeping(options.State, _sessions, RenewCertificate, options.Time, options.Logger);
    }

    /// <summary>The TCP port in use, of the first endpoint.</summary>
    public int Port => new Uri(_server.Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;

    /// <summary>The coordinator's own device as registered, with its name and addresses; null without <see cref="CoordinatorServerOptions.Self"/>.</summary>
    public DeviceRow? Self { get; }

    /// <summary>The groups of users.</summary>
    public LiveGroups Groups { get; }

    /// <summary>Control streams that live now.</summary>
    public int Streams => _sessions.Count;

    /// <summary>Messages that devices have sent over their control streams since the start: where they are, whom they want to meet, signs of life.</summary>
    public long Heartbeats => _control.Heartbeats;

    /// <summary>What the relay has done since the start.</summary>
    public RelayCounters Relay => _relay.Counters;

    /// <summary>Registers the coordinator's own device, then starts to listen.</summary>
    /// <exception cref="CoordinatorListenException">The endpoint is in use, or not of this machine.</exception>
    /// <exception cref="RegistrationRefusedException">The coordinator's own device may not be a member; the code says why.</exception>
    /// <exception cref="ArgumentException">The coordinator's own record is not sound.</exception>
    /// <exception cref="StorageFailedException">The state cannot be read or written.</exception>
    public static async Task<CoordinatorServer> StartAsync(CoordinatorServerOptions options, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(options);
        DeviceRow? self = options.Self is null ? null : await RegisterSelfAsync(options, options.Self, cancel).ConfigureAwait(false);
        AdminResult admins = await options.State.SetAdminsAsync(options.AdminPeers, cancel).ConfigureAwait(false);
        MeshRow mesh = await options.State.LoadMeshAsync(cancel).ConfigureAwait(false);
        MeshRegistry registry = await MeshRegistry.LoadAsync(options.State, options.MapMaxAge, options.Filter, cancel).ConfigureAwait(false);
        CoordinatorServer server = new(options, mesh, registry, self);
        try
        {
            server.Groups.Tell(admins.Admins);
            await server.ReloadTokensAsync(cancel).ConfigureAwait(false);
            await server.ListenAsync(cancel).ConfigureAwait(false);
            foreach (IPEndPoint endpoint in options.AlsoListen.Prepend(new IPEndPoint(options.Listen.Address, server.Port)))
            {
                CoordinatorLog.Listening(options.Logger, endpoint, registry.Map.Count, mesh.MeshId);
            }
            return server;
        }
        catch
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Takes over tokens added or revoked since the start.</summary>
    /// <exception cref="StorageFailedException">The state cannot be read; the tokens stay as they were.</exception>
    public Task ReloadTokensAsync(CancellationToken cancel) => _tokens.ReloadAsync(cancel);

    /// <summary>Makes a token that admits devices from now on.</summary>
    /// <param name="expires">When it ends, to the second; null for never.</param>
    /// <param name="uses">Devices it may admit; null for any number.</param>
    /// <param name="cancel">Ends the wait for the disk's queue.</param>
    /// <returns>The token; null when 256 are valid already.</returns>
    /// <exception cref="StorageFailedException">It could not be stored, or not be read back: then it counts from the next change of a token, or start, on.</exception>
    public Task<TokenRow?> CreateTokenAsync(DateTimeOffset? expires, long? uses, CancellationToken cancel) => _tokens.CreateAsync(expires, uses, cancel);

    /// <summary>Revokes a token for good: from now on it admits nobody. The devices it has admitted stay, or go as with <see cref="RevokeDeviceAsync"/>.</summary>
    /// <param name="tokenId">Which token.</param>
    /// <param name="withDevices">Whether the devices it has admitted are revoked, too; never the coordinator's own.</param>
    /// <param name="cancel">Ends the wait for the disk's queue.</param>
    /// <returns>IDs of the devices that went; null when there is no token with this ID.</returns>
    /// <exception cref="StorageFailedException">It could not be stored and did not happen.</exception>
    public async Task<IReadOnlyList<string>?> RevokeTokenAsync(long tokenId, bool withDevices, CancellationToken cancel)
    {
        if (await _registry.RevokeTokenAsync(tokenId, withDevices, cancel).ConfigureAwait(false) is not { } result)
        {
            return null;
        }
        _sessions.End(result.DeviceIds, MemberErrors.Revoked);
        _relay.End(result.DeviceIds, ControlErrorCodes.Revoked);
        CoordinatorLog.TokenRevoked(_options.Logger, tokenId, result.DeviceIds.Count);
        try
        {
            await ReloadTokensAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (StorageFailedException e)
        {
            // It is revoked all the same: every registration asks the state in its own transaction.
            CoordinatorLog.StorageFailed(_options.Logger, "the list of tokens", e);
        }
        return result.DeviceIds;
    }

    /// <summary>Revokes a device for good: out of the map of every viewer, its stream ended at once, its key never admitted again.</summary>
    /// <returns>False when it was no member; its key is revoked all the same.</returns>
    /// <exception cref="StorageFailedException">It could not be stored and did not happen.</exception>
    public async Task<bool> RevokeDeviceAsync(string deviceId, CancellationToken cancel)
    {
        RemovalResult result = await _registry.RevokeDeviceAsync(deviceId, cancel).ConfigureAwait(false);
        // Also when it was no member: a stream that is just about to enter must not stay.
        _sessions.End([deviceId], MemberErrors.Revoked);
        _relay.End([deviceId], ControlErrorCodes.Revoked);
        CoordinatorLog.DeviceRevoked(_options.Logger, deviceId);
        return result.DeviceIds.Count > 0;
    }

    /// <summary>Revokes a user with all devices, as <see cref="RevokeDeviceAsync"/> does one.</summary>
    /// <param name="identityKey">Raw Ed25519 key, 32 bytes.</param>
    /// <param name="cancel">Ends the wait for the disk's queue.</param>
    /// <returns>IDs of the devices that went.</returns>
    /// <exception cref="StorageFailedException">It could not be stored and did not happen.</exception>
    public async Task<IReadOnlyList<string>> RevokeUserAsync(byte[] identityKey, CancellationToken cancel)
    {
        RemovalResult result = await _registry.RevokeUserAsync(identityKey, cancel).ConfigureAwait(false);
        _sessions.End(result.DeviceIds, MemberErrors.Revoked);
        _relay.End(result.DeviceIds, ControlErrorCodes.Revoked);
        CoordinatorLog.UserRevoked(_options.Logger, PeerId.FromIdentityKey(identityKey), result.DeviceIds.Count);
        return result.DeviceIds;
    }

    /// <summary>Keeps an order of transports for a device or a pair; peers that are connected have it with the next change of the map.</summary>
    /// <param name="deviceId">The device, or one of the pair.</param>
    /// <param name="otherId">The other one of the pair; null for every other device.</param>
    /// <param name="transports">The preferred first, each once; empty to keep none.</param>
    /// <param name="cancel">Ends the wait for the disk's queue.</param>
    /// <exception cref="StorageFailedException">It could not be stored and did not happen.</exception>
    public async Task<TransportOrderOutcome> SetTransportOrderAsync(string deviceId, string? otherId, IReadOnlyList<string> transports, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(transports);
        TransportOrderResult result = await _registry.SetTransportOrderAsync(deviceId, otherId, transports, cancel).ConfigureAwait(false);
        if (result.Outcome == TransportOrderOutcome.Changed)
        {
            CoordinatorLog.TransportsOrdered(_options.Logger, deviceId, otherId ?? "all", transports.Count == 0 ? "default" : string.Join(',', transports));
        }
        return result.Outcome;
    }

    /// <summary>Replaces what is said to the packet filter of every peer; those that are connected have it with the next change of the map, which goes out at once when it was quiet.</summary>
    /// <param name="filter">Whole; not changed afterwards.</param>
    public void SetFilter(MapFilter filter)
    {
        ArgumentNullException.ThrowIfNull(filter);
        _registry.Map.SetFilter(filter);
        CoordinatorLog.FilterChanged(_options.Logger, filter.Rules.Count, filter.ServicePorts.Count);
    }

    /// <summary>Replaces where peers reach this coordinator; those that are connected have it with the next change of the map. Nothing happens when the map says so already.</summary>
    /// <param name="urls">As <see cref="CoordinatorServerOptions.Urls"/>; not changed afterwards.</param>
    /// <param name="stun">As <see cref="CoordinatorServerOptions.Stun"/>; not changed afterwards.</param>
    public void SetAddresses(IReadOnlyList<string> urls, IReadOnlyList<string> stun)
    {
        ArgumentNullException.ThrowIfNull(urls);
        ArgumentNullException.ThrowIfNull(stun);
        lock (_listing)
        {
            if (urls.SequenceEqual(_urls) && stun.SequenceEqual(_stun))
            {
                return;
            }
            (_urls, _stun) = (urls, stun);
            ListSelf();
        }
        string where = string.Join(',', urls), asked = string.Join(',', stun);
        CoordinatorLog.AddressesChanged(_options.Logger, where, asked);
    }

    /// <summary>Says goodbye to every stream, stops to listen, and stores what is left. Takes a few seconds at most.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }
        await _housekeeping.DisposeAsync().ConfigureAwait(false);
        _sessions.EndAll();
        _relay.EndAll();
        using (CancellationTokenSource soon = new(StopTime))
        {
            await _server.StopAsync(soon.Token).ConfigureAwait(false);
        }
        await _stop.CancelAsync().ConfigureAwait(false);
        _server.Dispose();
        _services.Dispose();
        await _relay.DisposeAsync().ConfigureAwait(false);
        await _publisher.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
        _tokens.Dispose();
    }

    private static async Task<DeviceRow> RegisterSelfAsync(CoordinatorServerOptions options, SelfDevice self, CancellationToken cancel)
    {
        if (!DeviceRecord.TryVerify(self.Record, self.IdentityKey, out DeviceRecord? record) || !record!.DeviceKey.Span.SequenceEqual(self.DeviceKey) ||
            !record.MeshRoot.Span.SequenceEqual(System.Security.Cryptography.SHA256.HashData(options.Authority.Root.RawDataMemory.Span)))
        {
            throw new ArgumentException("the coordinator's own device record does not belong to its keys and this mesh", nameof(self));
        }
        RegistrationResult result = await options.State.RegisterAsync(new RegistrationRequest
        {
            DeviceKey = self.DeviceKey,
            IdentityKey = self.IdentityKey,
            Name = options.Name,
            Record = self.Record,
            RecordGeneration = record.Generation,
            Coordinator = true,
            ProgramVersion = options.ProgramVersion,
        }, cancel).ConfigureAwait(false);
        return result.Device;
    }

    private async Task ListenAsync(CancellationToken cancel)
    {
        try
        {
            await _server.StartAsync(new HttpRequests(ServeAsync, _services), cancel).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            throw new CoordinatorListenException(_binding, e switch
            {
                SocketException socket => socket.SocketErrorCode,
                { InnerException: AddressInUseException } => SocketError.AddressAlreadyInUse,
                _ => SocketError.SocketError,
            }, e);
        }
    }

    // One endpoint after another, so the one that cannot be had is the last that was tried.
    private Socket Bind(EndPoint endpoint)
    {
        _binding = (IPEndPoint)endpoint;
        Socket socket = new(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (_binding.Address.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true;
            }
            _options.ConfigureSocket?.Invoke(socket);
            socket.Bind(endpoint);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // Called at the start and by the clock; a certificate that cannot be renewed serves on, and the log says so each time.
    private void RenewCertificate()
    {
        string name = Self?.Name ?? _options.Name;
        try
        {
            if (!_certificates.Renew(name, Self is null ? [] : [Self.Ip, Self.Ip6]))
            {
                return;
            }
        }
        catch (System.Security.Cryptography.CryptographicException e) when (_certificates.HasCurrent)
        {
            CoordinatorLog.CertificateFailed(_options.Logger, _certificates.Current.NotAfter, e);
            return;
        }
        CoordinatorLog.CertificateIssued(_options.Logger, name, _certificates.Current.NotAfter);
        lock (_listing)
        {
            ListSelf();
        }
    }

    // Under the lock, so that of two changes at the same time the map keeps both.
    private void ListSelf() =>
        _registry.Map.SetCoordinators([new MapCoordinator { Name = Self?.Name ?? _options.Name, Urls = _urls, Stun = _stun, RoleCertificate = _certificates.Current.Der }]);

    private async Task ServeAsync(HttpContext context)
    {
        string path = context.Request.Path.Value ?? "";
        try
        {
            switch (path)
            {
                case ControlProtocol.HealthPath:
                    await context.Response.WriteAsync("ok\n", context.RequestAborted).ConfigureAwait(false);
                    break;
                case ControlProtocol.VersionPath:
                    VersionDocument version = new() { Version = _options.ProgramVersion, Protocol = ControlProtocol.Version, OldestProtocol = ControlProtocol.OldestVersion };
                    context.Response.ContentType = "application/json";
                    await context.Response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(version, ControlJson.Default.VersionDocument), context.RequestAborted).ConfigureAwait(false);
                    break;
                case ControlProtocol.JoinPath or ControlProtocol.RenewPath:
                    await JoinAsync(context, path == ControlProtocol.RenewPath).ConfigureAwait(false);
                    break;
                default:
                    await ServeMemberAsync(context, path).ConfigureAwait(false);
                    break;
            }
        }
        catch (WebSocketException)
        {
            // The connection is gone, or the peer broke the framing and has been sent a close frame that shall reach it.
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ConnectionAbortedException)
        {
            // The peer went away or was too slow; it will come again by itself.
            context.Abort();
        }
        catch (Exception e)
        {
            CoordinatorLog.RequestFailed(_options.Logger, path, e);
            context.Abort();
        }
    }

    private async Task JoinAsync(HttpContext context, bool renewal)
    {
        IPAddress address = AddressOf(context);
        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            return;
        }
        if (!(renewal ? _renewals : _joins).MayTry(address, out TimeSpan wait))
        {
            int seconds = (int)Math.Ceiling(wait.TotalSeconds);
            CoordinatorLog.JoinLimited(_options.Logger, address, seconds);
            context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
            context.Response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
            return;
        }
        using CancellationTokenSource time = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _stop.Token);
        time.CancelAfter(Patience);
        ServerCertificate shown = context.Features.Get<ServerCertificate>() ?? _certificates.Current;
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync().ConfigureAwait(false);
        await _join.HandleAsync(socket, address, shown.SpkiSha256, renewal, time.Token).ConfigureAwait(false);
    }

    // All but health, version, join and renewal is for members, so a stranger does not even learn which paths there are.
    private async Task ServeMemberAsync(HttpContext context, string path)
    {
        IPAddress address = AddressOf(context);
        if (_clients.DeviceOf(context.Connection.ClientCertificate, out string reason) is not { } device)
        {
            if (context.Connection.ClientCertificate is null)
            {
                // Whoever scans the network gets here; that is not worth a line in the log.
                context.Response.StatusCode = StatusCodes.Status401Unauthorized;
                return;
            }
            _refusals.Stream(address, reason);
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return;
        }
        bool relay = path == ControlProtocol.RelayPath && _relay.IsEnabled;
        if (path != ControlProtocol.ControlPath && !relay)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }
        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            return;
        }
        if (relay)
        {
            await _relay.ServeAsync(context, device, address, _stop.Token).ConfigureAwait(false);
            return;
        }
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync(KeepAlive).ConfigureAwait(false);
        await _control.HandleAsync(socket, device, address, () => context.Features.Get<ConnectionGate.Slot>()?.Leave(), _stop.Token).ConfigureAwait(false);
    }

    private static IPAddress AddressOf(HttpContext context)
    {
        IPAddress address = context.Connection.RemoteIpAddress ?? IPAddress.None;
        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }
}
