using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Coordinator.Access;
using TunnelMesh.Coordinator.Api;
using TunnelMesh.Coordinator.Certificates;
using TunnelMesh.Coordinator.Relay;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Coordinator.Stun;
using TunnelMesh.Node.Control;
using TunnelMesh.Platform.Routes;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Addressing;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Cli.Hosting;

/// <summary>The coordinator inside this process: state, authority and listener, started and stopped as one.</summary>
internal sealed class HostedCoordinator : IAsyncDisposable
{
    // Each is tried in turn by a peer that has lost its coordinator.
    private const int MaxUrls = 8;
    private readonly CleanupStack _cleanup;
    private readonly CoordinatorServer _server;
    private readonly SqliteState _state;
    private readonly IReadOnlyList<StunResponder> _stun;
    private readonly Func<(IReadOnlyList<string> Urls, IReadOnlyList<string> Stun)> _list;

    private HostedCoordinator(CleanupStack cleanup, CoordinatorServer server, SqliteState state, IPAddress address, PeerMembership membership, string caSha256, IReadOnlyList<StunResponder> stun, Func<(IReadOnlyList<string> Urls, IReadOnlyList<string> Stun)> list)
    {
        _stun = stun;
        _list = list;
        _cleanup = cleanup;
        _server = server;
        _state = state;
        Server = new CoordinatorAddress(address.ToString(), server.Port);
        Membership = membership;
        CaSha256 = caSha256;
    }

    /// <summary>Where the peer of this machine dials it.</summary>
    public CoordinatorAddress Server { get; }
    /// <summary>This device's place in the mesh it serves.</summary>
    public PeerMembership Membership { get; }
    /// <summary>SHA-256 of the mesh root, hex.</summary>
    public string CaSha256 { get; }

    /// <inheritdoc cref="CoordinatorServer.Streams"/>
    public int Streams => _server.Streams;

    /// <inheritdoc cref="CoordinatorServer.Heartbeats"/>
    public long Heartbeats => _server.Heartbeats;

    /// <inheritdoc cref="CoordinatorServer.Relay"/>
    public RelayCounters Relay => _server.Relay;

    /// <inheritdoc cref="CoordinatorServer.Groups"/>
    public LiveGroups Groups => _server.Groups;

    /// <summary>Numbers of the tokens that TUNNELMESH_TOKEN named at the start.</summary>
    public IReadOnlyList<long> GivenTokens { get; private init; } = [];

    /// <summary>Where certificates, state and the file of a token lie.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Whether there is the state of a mesh, founded here or half founded.</summary>
    public static bool Exists(Settings settings) => File.Exists(StateFile(settings));

    /// <summary>Opens or founds the mesh, registers this device as its coordinator and listens. A failure leaves nothing running.</summary>
    /// <exception cref="HostException">The context is of another mesh, or the port is in use.</exception>
    /// <exception cref="CoordinatorListenException">It cannot listen.</exception>
    /// <exception cref="StunListenException">The STUN responder cannot listen.</exception>
    /// <exception cref="TokenSetupException">The token is not good.</exception>
    /// <exception cref="CoordinatorStateException">The state cannot be used.</exception>
    /// <exception cref="CertificateStoreException">The certificates cannot be used.</exception>
    /// <exception cref="RegistrationRefusedException">The device may not have the name.</exception>
    public static async Task<HostedCoordinator> StartAsync(PeerHostOptions options, IdentityKey identity, StoredPeer stored, CancellationToken cancel)
    {
        Settings settings = options.Settings;
        string file = StateFile(settings);
        string authorityDirectory = Path.Combine(settings.CoordinatorDataDir, "ca"), rootFile = Path.Combine(authorityDirectory, MeshAuthority.RootFileName);
        bool founding = !File.Exists(file), rooted = File.Exists(rootFile);
        if (founding)
        {
            RequireFree(options, stored);
            if (rooted)
            {
                throw new CertificateStoreException(
                    $"{file} is missing, but {rootFile} exists. Restore it from a backup; to found a new mesh, which every peer must then join, move {authorityDirectory} away.");
            }
            // A mesh keeps the range it is founded with, so this is the last moment to choose another one.
            options.Range.Check(settings.MeshCidr, founding: true);
        }
        CleanupStack cleanup = new();
        try
        {
            SqliteState state = cleanup.Add(SqliteState.Open(new SqliteStateOptions { File = file, Cidr = settings.MeshCidr, Time = options.Time }));
            // A start that ended while it founded the mesh has no device yet.
            if (!rooted && (await state.LoadDevicesAsync(cancel).ConfigureAwait(false)).Count > 0)
            {
                throw new CertificateStoreException($"{rootFile} is missing, but {file} has devices. A new root would lock out every peer; restore it from a backup.");
            }
            MeshAuthority authority = cleanup.AddDisposable(MeshAuthority.Open(authorityDirectory, [state.Mesh.Cidr, state.Mesh.Ula], options.Time));
            byte[] root = authority.Root.RawData;
            if (stored.Membership is { } other && !other.MeshRoot.AsSpan().SequenceEqual(root))
            {
                throw new HostException(ExitCode.Configuration,
                    $"The context {options.Context} is a member of the mesh at {other.Server}, so it cannot serve the one in {settings.CoordinatorDataDir}. " +
                    $"Use another --context, or go on with: tunnelmesh join {other.Server}");
            }
            IReadOnlyList<long> given = await SetTokensAsync(state, options, cancel).ConfigureAwait(false);
            ulong generation = (ulong)options.Time.GetUtcNow().ToUnixTimeMilliseconds();
            IPEndPoint[] listen = [.. settings.CoordinatorListen.Select(e => Listen(e, "coordinator.listen"))];
            IPEndPoint? stunListen = settings.CoordinatorStunListen is { } where ? Listen(where, "coordinator.stun_listen") : null;
            IReadOnlyList<StunResponder> stun = stunListen is null ? [] : await StartStunAsync(stunListen, listen[0], options, cleanup).ConfigureAwait(false);
            IReadOnlyList<IPNetwork> inside = [state.Mesh.Cidr, state.Mesh.Ula, .. options.Range.OfOthers()];
            (IReadOnlyList<string> urls, IReadOnlyList<string> servers) = List();
            CoordinatorServerOptions server = new()
            {
                Listen = listen[0],
                AlsoListen = listen[1..],
                ConfigureSocket = options.MarkSocket,
                Relay = new RelayOptions { Enabled = settings.RelayEnabled, RateLimit = settings.RelayRateLimit },
                Name = options.Name,
                State = state,
                Authority = authority,
                Self = new SelfDevice
                {
                    DeviceKey = stored.Device.Public.ToArray(),
                    IdentityKey = identity.PublicKey.ToArray(),
                    Record = DeviceRecord.Create(identity, options.Name, SHA256.HashData(root), stored.Device.Public, generation, expiry: 0),
                },
                Urls = urls,
                Stun = servers,
                AdminPeers = settings.AdminPeers,
                Filter = PeerFilter.ForMesh(settings),
                Logger = options.Log,
                ProgramVersion = options.Version,
                Time = options.Time,
            };
            CoordinatorServer started = cleanup.Add(await ListenAsync(server, cancel).ConfigureAwait(false));
            PeerMembership membership = Describe(server, state.Mesh, started.Self!, root, started.Port);
            return new HostedCoordinator(cleanup, started, state, Loopback(server.Listen.Address), membership, authority.CaSha256, stun, List) { GivenTokens = given, DataDirectory = settings.CoordinatorDataDir };

            (IReadOnlyList<string> Urls, IReadOnlyList<string> Stun) List() =>
                (Urls(listen, settings.TunName, inside), [.. stun.SelectMany(s => Reachable(new IPEndPoint(stunListen!.Address, s.Port), settings.TunName, inside)).Select(e => e.ToString())]);
        }
        catch
        {
            await cleanup.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc cref="CoordinatorServer.RevokeDeviceAsync"/>
    public Task<bool> RevokeDeviceAsync(string deviceId, CancellationToken cancel) => _server.RevokeDeviceAsync(deviceId, cancel);

    /// <inheritdoc cref="CoordinatorServer.RevokeUserAsync"/>
    public Task<IReadOnlyList<string>> RevokeUserAsync(byte[] identityKey, CancellationToken cancel) => _server.RevokeUserAsync(identityKey, cancel);

    /// <inheritdoc cref="SqliteState.LoadTokensAsync"/>
    public Task<IReadOnlyList<TokenRow>> LoadTokensAsync(CancellationToken cancel) => _state.LoadTokensAsync(cancel).AsTask();

    /// <inheritdoc cref="CoordinatorServer.CreateTokenAsync"/>
    public Task<TokenRow?> CreateTokenAsync(DateTimeOffset? expires, long? uses, CancellationToken cancel) => _server.CreateTokenAsync(expires, uses, cancel);

    /// <inheritdoc cref="CoordinatorServer.RevokeTokenAsync"/>
    public Task<IReadOnlyList<string>?> RevokeTokenAsync(long tokenId, bool withDevices, CancellationToken cancel) => _server.RevokeTokenAsync(tokenId, withDevices, cancel);

    /// <inheritdoc cref="SqliteState.LoadTransportOrdersAsync"/>
    public Task<IReadOnlyList<TransportOrderRow>> LoadTransportOrdersAsync(CancellationToken cancel) => _state.LoadTransportOrdersAsync(cancel).AsTask();

    /// <inheritdoc cref="CoordinatorServer.SetTransportOrderAsync"/>
    public Task<TransportOrderOutcome> SetTransportOrderAsync(string deviceId, string? otherId, IReadOnlyList<string> transports, CancellationToken cancel) =>
        _server.SetTransportOrderAsync(deviceId, otherId, transports, cancel);

    /// <inheritdoc cref="CoordinatorServer.SetFilter"/>
    public void SetFilter(MapFilter filter) => _server.SetFilter(filter);

    /// <inheritdoc cref="StunResponder.RefreshAsync"/>
    public Task AddressesChangedAsync() => Task.WhenAll(_stun.Select(s => s.RefreshAsync()));

    /// <summary>Lists the addresses of this machine, and tells peers when they differ from those before. To be called at every look.</summary>
    /// <exception cref="IOException">They cannot be listed.</exception>
    public void TellAddresses()
    {
        (IReadOnlyList<string> urls, IReadOnlyList<string> stun) = _list();
        // Without any address nobody hears of it, and a peer that asks later is better told where the machine was than nothing.
        if (urls.Count > 0)
        {
            _server.SetAddresses(urls, stun);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _cleanup.DisposeAsync();

    private static string StateFile(Settings settings) => Path.Combine(settings.CoordinatorDataDir, "state.db");

    // Before anything of a new mesh is made.
    private static void RequireFree(PeerHostOptions options, StoredPeer stored)
    {
        if (stored.Membership is not { } member)
        {
            return;
        }
        string data = options.Settings.CoordinatorDataDir;
        throw member.Device.Coordinator
            ? new HostException(ExitCode.DamagedState,
                $"The context {options.Context} serves a mesh, but {data} has no state.db. Restore the directory from a copy, or name it in coordinator.data_dir; " +
                "to give that mesh up and found another one: tunnelmesh leave --force")
            : new HostException(ExitCode.Configuration,
                $"The context {options.Context} is a member of the mesh at {member.Server}, and `join` without a server would found another one. " +
                $"Go on with: tunnelmesh join {member.Server}; or use another --context.");
    }

    private static async Task<IReadOnlyList<long>> SetTokensAsync(SqliteState stored, PeerHostOptions options, CancellationToken cancel)
    {
        TokenSetupResult tokens = await TokenSetup.EnsureAsync(stored, options.Token, options.Settings.CoordinatorDataDir, RandomNumberGenerator.Fill, cancel).ConfigureAwait(false);
        if (tokens.File is { } file)
        {
            await options.Error.WriteLineAsync(
                $"TUNNELMESH_TOKEN is not set, so a mesh token was made: it is in {file}. Set it as TUNNELMESH_TOKEN on every machine that joins. " +
                "To choose one yourself, restart with TUNNELMESH_TOKEN=$(openssl rand -hex 32).").ConfigureAwait(false);
        }
        DateTimeOffset now = options.Time.GetUtcNow();
        foreach (TokenRow token in tokens.Given.Where(t => !t.IsValid(now)))
        {
            string state = TokenReports.Name(token.StateAt(now));
            options.Log.TokenNotValid(token.Id, state);
        }
        if (!(await stored.LoadTokensAsync(cancel).ConfigureAwait(false)).Any(t => t.IsValid(now)))
        {
            options.Log.NoValidToken();
        }
        return [.. tokens.Given.Select(t => t.Id)];
    }

    private static async Task<CoordinatorServer> ListenAsync(CoordinatorServerOptions server, CancellationToken cancel)
    {
        try
        {
            return await CoordinatorServer.StartAsync(server, cancel).ConfigureAwait(false);
        }
        catch (CoordinatorListenException e) when (e.Error == SocketError.AddressAlreadyInUse && PortOwner.Find(ProtocolType.Tcp, e.Endpoint.Port) is { } owner)
        {
            throw InUse(e.Endpoint, owner, e);
        }
    }

    private static HostException InUse(IPEndPoint listen, string owner, Exception e) =>
        new(ExitCode.InUse, $"TCP port {listen.Port} is in use by {owner}. Stop that program, or choose another port with coordinator.listen.", e);

    private static IReadOnlyList<string> Urls(IPEndPoint[] listen, string tunName, IReadOnlyList<IPNetwork> inside)
    {
        // The ports of one address side by side, so that none falls out of the list for a machine with many addresses.
        return [.. listen.SelectMany((e, port) => Reachable(e, tunName, inside).Select((a, turn) => (Url: $"https://{a}", turn, port)))
            .OrderBy(u => u.turn).ThenBy(u => u.port).Select(u => u.Url).Take(MaxUrls)];
    }

    // The next port beside the one that was asked for: between two ports of one address a NAT that gives every flow another one shows itself.
    private static async Task<IReadOnlyList<StunResponder>> StartStunAsync(IPEndPoint listen, IPEndPoint server, PeerHostOptions options, CleanupStack cleanup)
    {
        try
        {
            StunResponder first = cleanup.Add(await StartAsync(listen).ConfigureAwait(false));
            if (first.Port == IPEndPoint.MaxPort)
            {
                return [first];
            }

            IPEndPoint next = new(listen.Address, first.Port + 1);
            try
            {
                return [first, cleanup.Add(await StartAsync(next).ConfigureAwait(false))];
            }
            catch (StunListenException e)
            {
                options.Log.NoSecondStunPort(next, e.Error);
                return [first];
            }
        }
        catch (StunListenException e) when (e.Error == SocketError.AddressAlreadyInUse)
        {
            // Mostly another coordinator, which has this one's own port as well: that is what its user knows.
            if (PortOwner.Find(ProtocolType.Tcp, server.Port) is { } coordinator)
            {
                throw InUse(server, coordinator, e);
            }

            throw PortOwner.Find(ProtocolType.Udp, e.Endpoint.Port) is not { } owner ? e
                : new HostException(ExitCode.InUse, $"UDP port {e.Endpoint.Port} is in use by {owner}. Stop that program, or set coordinator.stun_listen to another port or to off.", e);
        }

        Task<StunResponder> StartAsync(IPEndPoint at) => StunResponder.StartAsync(at, () => LocalNetworks.GetEndpointAddresses(options.Settings.TunName), options.Log, options.Time, options.MarkSocket);
    }

    // What peers may dial: of a wildcard, the addresses outside this machine's meshes.
    private static IEnumerable<CoordinatorAddress> Reachable(IPEndPoint listen, string tunName, IReadOnlyList<IPNetwork> inside)
    {
        IEnumerable<IPAddress> addresses = listen.Address.Equals(IPAddress.Any) || listen.Address.Equals(IPAddress.IPv6Any)
            ? LocalNetworks.GetEndpointAddresses(tunName).Where(a => !inside.Any(r => r.Contains(a)))
            : [listen.Address];
        return addresses.Take(MaxUrls).Select(a => new CoordinatorAddress(a.ToString(), listen.Port));
    }

    private static IPEndPoint Listen(HostPort listen, string key)
    {
        if (listen.Host.Length == 0)
        {
            return new IPEndPoint(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, listen.Port);
        }
        return IPAddress.TryParse(listen.Host, out IPAddress? address)
            ? new IPEndPoint(address, listen.Port)
            : throw new ConfigException($"{key} is `{listen}`: give an IP address of this machine, or `:{listen.Port}` for all.");
    }

    private static IPAddress Loopback(IPAddress listen) =>
        listen.Equals(IPAddress.IPv6Any) || listen.Equals(IPAddress.Any) ? IPAddress.Loopback : listen;

    private static PeerMembership Describe(CoordinatorServerOptions server, MeshRow mesh, DeviceRow self, byte[] root, int port) => new()
    {
        Server = new CoordinatorAddress(Loopback(server.Listen.Address).ToString(), port).ToString(),
        MeshRoot = root,
        Mesh = new MeshInfo
        {
            MeshId = mesh.MeshId,
            Cidr = mesh.Cidr.ToString(),
            Cidr6 = mesh.Ula.ToString(),
            Domain = "tunnelmesh",
            MapMaxAgeSeconds = (long)server.MapMaxAge.TotalSeconds,
        },
        Device = new MapDevice
        {
            Id = self.Id,
            User = self.UserId,
            Name = self.Name,
            Ip = self.Ip.ToString(),
            Ip6 = self.Ip6.ToString(),
            Prefixes = [$"{self.Ip}/32", $"{self.Ip6}/128"],
            DeviceKey = self.DeviceKey,
            IdentityKey = self.IdentityKey,
            Record = self.Record,
            Coordinator = true,
            ProgramVersion = server.ProgramVersion,
        },
    };
}
