using TunnelMesh.Cli.Configuration;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Diagnosis;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Node.Metrics;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Cli.Hosting;

/// <summary>Answers the control socket. It is there before the peer is: until <see cref="Attach"/> every question is answered with "starting".</summary>
internal sealed class PeerApi(TimeProvider clock, string version) : ILocalApiHandler
{
    private static readonly TimeSpan LeavePatience = TimeSpan.FromSeconds(5);
    private readonly DateTimeOffset _started = clock.GetUtcNow();
    private readonly TaskCompletionSource _shutdown = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile Parts? _parts;
    private volatile PathReports? _paths;
    private volatile PeerMetrics? _metrics;

    /// <summary>What the answers are made of.</summary>
    internal sealed record Parts(PeerRuntime Runtime, ControlStream Stream, MembershipStep Step, PeerInterface Interface, PeerDns Dns, PeerGuard Guard, PeerExit Exit, HostedCoordinator? Coordinator, PeerFilter Filter, Func<CancellationToken, Task> ReloadFilter, Action Forget);

    /// <summary>Ends when somebody asked through the socket that the peer stops.</summary>
    public Task Shutdown => _shutdown.Task;

    /// <summary>When this process made it, at its start.</summary>
    public DateTimeOffset Started => _started;

    /// <summary>From now on `status` tells where the metrics are.</summary>
    public void Follow(PeerMetrics metrics) => _metrics = metrics;

    /// <summary>The other devices of the map that the data plane knows, with their tunnels.</summary>
    public IReadOnlyList<NamedPeer> GetTunnels()
    {
        Parts parts = Ready();
        IReadOnlyDictionary<string, MapEntry>? devices = parts.Runtime.Map?.Devices;
        return [.. (parts.Runtime.Plane?.GetStats() ?? []).Select(s => (s, Device: devices?.GetValueOrDefault(s.DeviceId))).Where(p => p.Device is not null).Select(p => new NamedPeer(p.Device!.Name, p.s))];
    }

    /// <summary>Why the peer cannot be used, for people; null when it can. A coordinator that is away does not matter: the tunnels stand.</summary>
    public string? DescribeProblem() => _parts?.Runtime.Plane is null ? "The peer is starting and does not send yet." : null;

    /// <summary>The peer is there.</summary>
    public void Attach(Parts parts)
    {
        _paths = new PathReports(parts.Runtime, parts.Stream, parts.Step.Membership.Device.Id, clock);
        _parts = parts;
    }

    /// <inheritdoc/>
    public StatusReport GetStatus()
    {
        Parts parts = Ready();
        MapDevice self = Self(parts);
        MeshInfo mesh = parts.Runtime.Map?.Mesh ?? parts.Step.Membership.Mesh;
        List<MapEntry> others = Others(parts);
        return new StatusReport
        {
            Name = self.Name,
            PeerId = self.User,
            DeviceId = self.Id,
            MeshIp = self.Ip,
            MeshIp6 = self.Ip6,
            MeshCidr = mesh.Cidr,
            Domain = mesh.Domain,
            Version = version,
            UptimeSeconds = (long)(clock.GetUtcNow() - _started).TotalSeconds,
            Coordinator = StreamReports.Coordinator(parts.Stream.State, parts.Stream.Silence, clock.GetUtcNow()),
            Relay = parts.Runtime.Carriers?.DescribeRelay(),
            Tun = parts.Interface.Describe(),
            DataPlane = parts.Runtime.Plane is { } plane ? DataPlaneReports.Of(plane) : null,
            Dns = parts.Dns.Describe(self.Aliases),
            Guard = parts.Guard.Describe(),
            Exit = parts.Exit.Describe(),
            MetricsUrl = _metrics?.Url,
            Runtime = RuntimeReport.Now(),
            MapEntriesDropped = parts.Stream.DroppedEntries,
            PeersTotal = others.Count,
            PeersOnline = others.Count(d => d.Wire.Online),
        };
    }

    /// <inheritdoc/>
    public IReadOnlyList<PeerReport> GetPeers()
    {
        Parts parts = Ready();
        Dictionary<string, PeerStats> stats = (parts.Runtime.Plane?.GetStats() ?? []).ToDictionary(s => s.DeviceId);
        bool hasNetwork = parts.Runtime.HasNetwork, relayOpen = parts.Runtime.Carriers?.DescribeRelay() is not { Open: false };
        return [.. Others(parts).OrderBy(d => d.Name, StringComparer.Ordinal).Select(d => Report(d, Liveness.Shown(stats.GetValueOrDefault(d.Id), d.Wire.Online, hasNetwork, relayOpen)))];
    }

    /// <inheritdoc/>
    public ResolveReport Resolve(string name)
    {
        Parts parts = Ready();
        if (parts.Runtime.Map is not { } map)
        {
            throw NotYet();
        }
        IReadOnlyList<MapEntry> found = MapNames.Find(map, name, out string label);
        return found.Count == 0 ? throw UnknownDevice.Error(map, name) : new ResolveReport
        {
            Name = $"{label}.{map.Mesh.Domain}",
            Ip = [.. found.Select(d => d.Ip.ToString())],
            Ip6 = [.. found.Select(d => d.Ip6.ToString())],
        };
    }

    /// <inheritdoc/>
    public Task<PingReport> PingAsync(string peer, TimeSpan timeout, CancellationToken cancellation) => Paths.PingAsync(peer, timeout, cancellation);

    /// <inheritdoc/>
    public Task<NetCheckReport> CheckNetworkAsync(CancellationToken cancellation) => Paths.CheckNetworkAsync(cancellation);

    /// <inheritdoc/>
    public Task<IReadOnlyList<DiagnosisReport>> DiagnoseAsync(string? peer, CancellationToken cancellation) => Paths.DiagnoseAsync(peer, cancellation);

    /// <inheritdoc/>
    public async Task<bool> LeaveAsync(bool force, CancellationToken cancellation)
    {
        Parts parts = Ready();
        if (parts.Coordinator is not null)
        {
            throw new LocalApiException(LocalErrorCodes.Failed,
                "This machine serves the mesh, so it cannot leave it. To end the mesh, stop the peer, remove coordinator.data_dir and run `tunnelmesh leave --force`; every other device then has to join another one.");
        }
        bool told = true;
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(LeavePatience);
        try
        {
            await parts.Stream.LeaveAsync(patience.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ControlException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            if (!force)
            {
                string why = parts.Runtime.Problem is { } problem ? $" ({problem})" : "";
                throw new LocalApiException(LocalErrorCodes.Unreachable,
                    $"The coordinator is away, so it cannot be told that this device leaves{why}. Try again later; `tunnelmesh leave --force` forgets the mesh here, and `tunnelmesh revoke` on the coordinator then takes the device out of the list.");
            }
            told = false;
        }
        parts.Forget();
        return told;
    }

    /// <inheritdoc/>
    public async Task<RevokeReport> RevokeDeviceAsync(string deviceId, CancellationToken cancellation)
    {
        (Parts parts, HostedCoordinator coordinator) = Serving();
        if (deviceId == parts.Step.Membership.Device.Id)
        {
            throw new LocalApiException(LocalErrorCodes.Failed, "This device serves the mesh, so it cannot be revoked.");
        }
        // One that has left may be revoked, too: its key shall not come back.
        MapDevice? device = parts.Runtime.Map?.Devices.GetValueOrDefault(deviceId)?.Wire;
        await Stored(coordinator.RevokeDeviceAsync(deviceId, cancellation)).ConfigureAwait(false);
        return new RevokeReport { PeerId = device?.User ?? "", User = false, Devices = [device?.Name ?? deviceId] };
    }

    /// <inheritdoc/>
    public async Task<RevokeReport> RevokeUserAsync(string peerId, CancellationToken cancellation)
    {
        (Parts parts, HostedCoordinator coordinator) = Serving();
        if (peerId == Self(parts).User)
        {
            throw new LocalApiException(LocalErrorCodes.Failed,
                $"The user {peerId} runs this coordinator, so the user cannot be revoked. Revoke the other devices one by one.");
        }
        MapDevice[] devices = [.. Others(parts).Select(d => d.Wire).Where(d => d.User == peerId)];
        byte[][] keys = [.. devices.Select(d => d.IdentityKey).DistinctBy(Convert.ToHexString)];
        if (keys.Length == 0)
        {
            throw new LocalApiException(LocalErrorCodes.NotFound, $"No device of the mesh belongs to a user {peerId}.");
        }
        List<string> gone = [];
        foreach (byte[] key in keys)
        {
            gone.AddRange(await Stored(coordinator.RevokeUserAsync(key, cancellation)).ConfigureAwait(false));
        }
        return new RevokeReport
        {
            PeerId = peerId,
            User = true,
            Devices = [.. gone.Select(id => devices.FirstOrDefault(d => d.Id == id)?.Name ?? id).Order(StringComparer.Ordinal)],
        };
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<TokenReport>> TokensAsync(CancellationToken cancellation) => Stored(Tokens.ListAsync(cancellation));

    /// <inheritdoc/>
    public Task<NewTokenReport> CreateTokenAsync(TimeSpan? life, long? uses, CancellationToken cancellation) => Stored(Tokens.CreateAsync(life, uses, cancellation));

    /// <inheritdoc/>
    public Task<TokenRevokeReport> RevokeTokenAsync(long id, bool withPeers, CancellationToken cancellation) => Stored(Tokens.RevokeAsync(id, withPeers, cancellation));

    /// <inheritdoc/>
    public Task<IReadOnlyList<TransportReport>> TransportsAsync(string? peer, string? with, IReadOnlyList<string>? transports, CancellationToken cancellation)
    {
        (Parts parts, HostedCoordinator coordinator) = Serving();
        NetworkMap map = parts.Runtime.Map ?? throw NotYet();
        return Stored(new TransportOrderReports(map, parts.Step.Membership.Device.Id, coordinator.LoadTransportOrdersAsync, coordinator.SetTransportOrderAsync)
            .AnswerAsync(peer, with, transports, cancellation));
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<GroupReport>> GroupsAsync(CancellationToken cancellation) => Stored(Groups.ListAsync(cancellation));

    /// <inheritdoc/>
    public Task<IReadOnlyList<GroupMemberReport>> GroupMembersAsync(string group, CancellationToken cancellation) => Stored(Groups.MembersAsync(group, cancellation));

    /// <inheritdoc/>
    public Task<GroupChangeReport> CreateGroupAsync(string group, CancellationToken cancellation) => Stored(Groups.CreateAsync(group, cancellation));

    /// <inheritdoc/>
    public Task<GroupChangeReport> DeleteGroupAsync(string group, CancellationToken cancellation) => Stored(Groups.DeleteAsync(group, cancellation));

    /// <inheritdoc/>
    public Task<GroupChangeReport> AddToGroupAsync(string group, string member, CancellationToken cancellation) => Stored(Groups.SetMemberAsync(group, member, true, cancellation));

    /// <inheritdoc/>
    public Task<GroupChangeReport> RemoveFromGroupAsync(string group, string member, CancellationToken cancellation) => Stored(Groups.SetMemberAsync(group, member, false, cancellation));

    /// <inheritdoc/>
    public FilterReport GetFilter() => Ready().Filter.Describe();

    /// <summary>The packet filter; null while the peer is starting.</summary>
    internal FilterReport? DescribeFilter() => _parts?.Filter.Describe();

    /// <inheritdoc/>
    public FilterReport AddFilterRule(FilterRuleRequest rule) => Ready().Filter.Add(rule);

    /// <inheritdoc/>
    public FilterReport RemoveFilterRule(FilterRuleRequest rule) => Ready().Filter.Remove(rule);

    /// <inheritdoc/>
    public async Task<FilterReport> ReloadFilterAsync(CancellationToken cancellation)
    {
        Parts parts = Ready();
        try
        {
            await parts.ReloadFilter(cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ConfigException or StorageFailedException)
        {
            throw new LocalApiException(e is ConfigException ? LocalErrorCodes.BadConfiguration : LocalErrorCodes.Failed, $"{e.Message} The rules stay as they were.");
        }
        return parts.Filter.Describe();
    }

    /// <inheritdoc/>
    public Task<DnsReport> TakeNamesAsync(CancellationToken cancellation) => ChangeNamesAsync(dns => dns.TakeSystemAsync(cancellation));

    /// <inheritdoc/>
    public Task<DnsReport> YieldNamesAsync(string context, CancellationToken cancellation) => ChangeNamesAsync(dns => dns.YieldSystemAsync(context, cancellation));

    private async Task<DnsReport> ChangeNamesAsync(Func<PeerDns, Task> change)
    {
        Parts parts = Ready();
        await change(parts.Dns).ConfigureAwait(false);
        return parts.Dns.Describe(Self(parts).Aliases);
    }

    /// <inheritdoc/>
    public void RequestShutdown() => _shutdown.TrySetResult();

    private static MapDevice Self(Parts parts) =>
        parts.Runtime.Map?.Devices.GetValueOrDefault(parts.Step.Membership.Device.Id)?.Wire ?? parts.Step.Membership.Device;

    private static List<MapEntry> Others(Parts parts) =>
        [.. (parts.Runtime.Map?.Devices.Values ?? []).Where(d => d.Id != parts.Step.Membership.Device.Id)];

    private static PeerReport Report(MapEntry device, PeerStats? stats) => new()
    {
        Name = device.Name,
        PeerId = device.Wire.User,
        DeviceId = device.Id,
        MeshIp = device.Wire.Ip,
        MeshIp6 = device.Wire.Ip6,
        Online = device.Wire.Online,
        AllowsExit = device.Wire.AllowsExit,
        LastSeen = device.LastSeen,
        Path = stats?.Path ?? "none",
        Endpoint = stats?.Endpoint,
        RttMs = stats?.RttMs,
        RxBytes = stats?.RxBytes ?? 0,
        TxBytes = stats?.TxBytes ?? 0,
        LastHandshake = stats?.LastHandshakeUnix is { } time ? DateTimeOffset.FromUnixTimeSeconds(time) : null,
    };

    private (Parts Parts, HostedCoordinator Coordinator) Serving()
    {
        Parts parts = Ready();
        return (parts, parts.Coordinator ?? throw new LocalApiException(LocalErrorCodes.Failed,
            $"This command works on a coordinator only, and this machine is none. Run it on the machine of the coordinator {parts.Stream.State.Server}."));
    }

    private static async Task<T> Stored<T>(Task<T> change)
    {
        try
        {
            return await change.ConfigureAwait(false);
        }
        catch (StorageFailedException e)
        {
            throw new LocalApiException(LocalErrorCodes.Failed, e.Message);
        }
    }

    private TokenReports Tokens
    {
        get
        {
            (Parts parts, HostedCoordinator coordinator) = Serving();
            // As they were before: a device that was revoked is in the map no more.
            IReadOnlyDictionary<string, MapEntry>? devices = parts.Runtime.Map?.Devices;
            return new TokenReports(coordinator, id => devices?.GetValueOrDefault(id)?.Name ?? id, clock);
        }
    }

    private GroupReports Groups
    {
        get
        {
            (Parts parts, HostedCoordinator coordinator) = Serving();
            return new GroupReports(parts.Runtime.Map ?? throw NotYet(), parts.Step.Membership.Device.Id, coordinator.Groups);
        }
    }

    private PathReports Paths => _paths ?? throw NotYet();

    private Parts Ready() => _parts ?? throw NotYet();

    private static LocalApiException NotYet() => new(LocalErrorCodes.Starting, "The peer is starting and has not joined its mesh yet. Try again in a moment; its log says what it waits for.");
}
