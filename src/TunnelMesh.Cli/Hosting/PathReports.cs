using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Diagnosis;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Node.Nat;
using TunnelMesh.Node.Paths;

namespace TunnelMesh.Cli.Hosting;

/// <summary>How this peer and others reach each other, as `ping`, `netcheck` and `doctor` show it. Any thread.</summary>
/// <param name="runtime">The running peer.</param>
/// <param name="stream">Its control stream.</param>
/// <param name="ownId">Device ID of this peer.</param>
/// <param name="time">Clock.</param>
internal sealed class PathReports(PeerRuntime runtime, ControlStream stream, string ownId, TimeProvider time)
{
    private static readonly TimeSpan LongestPing = TimeSpan.FromSeconds(30), WordPatience = TimeSpan.FromSeconds(3), Look = TimeSpan.FromMilliseconds(100);

    // The data plane knows one ping a device at a time. As many as the mesh has devices at the most.
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _turns = [];

    /// <inheritdoc cref="ILocalApiHandler.PingAsync"/>
    public async Task<PingReport> PingAsync(string peer, TimeSpan timeout, CancellationToken cancellation)
    {
        MapEntry device = Find(peer);
        DataPlane plane = runtime.Plane ?? throw Starting();
        using CancellationTokenSource limit = new(timeout < LongestPing ? timeout : LongestPing, time);
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        PingResult? answer = null;
        PeerStats? before = Stats();
        try
        {
            SemaphoreSlim turn = _turns.GetOrAdd(device.Id, _ => new SemaphoreSlim(1));
            await turn.WaitAsync(patience.Token).ConfigureAwait(false);
            try
            {
                answer = await plane.PingAsync(device.Id, patience.Token).ConfigureAwait(false);
            }
            finally
            {
                turn.Release();
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // No answer is an answer, too.
        }
        PeerStats? stats = Stats();
        (string path, string? endpoint, long changes) = answer is null ? LostOver(before, stats) : (answer.Transport, answer.Endpoint, answer.PathChanges);
        return new PingReport
        {
            Name = device.Name,
            MeshIp = device.Wire.Ip,
            DeviceId = device.Id,
            Answered = answer is not null,
            RttMs = answer?.RoundTrip.TotalMilliseconds,
            Path = path,
            Endpoint = endpoint,
            PathChanges = changes,
            Online = (runtime.Map?.Devices.GetValueOrDefault(device.Id) ?? device).Wire.Online,
            DirectPossible = runtime.Transports.Contains(PathTransport.Udp) && (device.Wire.Transports.Count == 0 || device.Wire.Transports.Contains(PathNames.Of(PathTransport.Udp))),
        };

        PeerStats? Stats() => plane.GetStats().FirstOrDefault(s => s.DeviceId == device.Id);
    }

    /// <summary>Over which path a ping went that nobody answered: the one in use when it was sent, as the wait for its answer may have moved the traffic to another.</summary>
    /// <param name="before">The device when the ping was sent.</param>
    /// <param name="after">The same when it was given up: counts where there was no path before.</param>
    internal static (string Path, string? Endpoint, long Changes) LostOver(PeerStats? before, PeerStats? after) =>
        (before is null or { Path: "none" } ? after : before) switch
        {
            { Path: not "none" } way => (way.Path, way.Endpoint, way.PathChanges),
            var none => ("none", null, none?.PathChanges ?? 0),
        };

    /// <inheritdoc cref="ILocalApiHandler.CheckNetworkAsync"/>
    public async Task<NetCheckReport> CheckNetworkAsync(CancellationToken cancellation)
    {
        PeerNat nat = runtime.Nat ?? throw Starting();
        await nat.AskAnewAsync(cancellation).ConfigureAwait(false);
        NatReport report = nat.Report;
        NetCheckReport found = new()
        {
            UdpPort = nat.Port,
            UdpBlocked = report.V4.Servers.Count + report.V6.Servers.Count == 0 ? null : !report.UdpBlocked || IsUdpHeard() ? false : IsReached ? true : null,
            StunSilent = report.V4.Servers.Count + report.V6.Servers.Count > 0 && report.UdpBlocked,
            CoordinatorReached = IsReached,
            Ipv4 = V4(nat, report),
            Ipv6 = V6(nat, report),
            PublicEndpoints = [.. report.PublicEndpoints.Select(e => e.ToString())],
            PortMapping = Mapping(nat.MapsPort, report),
            Relay = runtime.Carriers?.DescribeRelay(),
            SshPort = runtime.Carriers is { SshPort: > 0 and var port } ? port : null,
        };
        return found with { Advice = NetAdvice.Of(found) };
    }

    /// <inheritdoc cref="ILocalApiHandler.DiagnoseAsync"/>
    public async Task<IReadOnlyList<DiagnosisReport>> DiagnoseAsync(string? peer, CancellationToken cancellation)
    {
        MapEntry? named = peer is null ? null : Find(peer);
        if (runtime.Nat is { } nat)
        {
            await nat.AskAnewAsync(cancellation).ConfigureAwait(false);
        }
        DataPlane plane = runtime.Plane ?? throw Starting();
        for (long began = time.GetTimestamp(); named is not null && time.GetElapsedTime(began) < WordPatience && PathDoctor.AwaitsWord(Facts(named, Stats(named), []));)
        {
            await Task.Delay(Look, time, cancellation).ConfigureAwait(false);
        }
        Dictionary<string, PeerStats> stats = plane.GetStats().ToDictionary(s => s.DeviceId);
        IEnumerable<MapEntry> devices = named is not null ? [named]
            : (runtime.Map?.Devices.Values ?? []).Where(d => stats.TryGetValue(d.Id, out PeerStats? s) && (s.Path != "none" || s.LastHandshakeUnix is not null || s.RxBytes + s.TxBytes > 0));
        return [.. devices.OrderBy(d => d.Name, StringComparer.Ordinal).Select(d => Report(Facts(d, stats.GetValueOrDefault(d.Id), stats.Values), d))];

        PeerStats? Stats(MapEntry device) => plane.GetStats().FirstOrDefault(s => s.DeviceId == device.Id);
    }

    private bool IsReached => runtime.IsConnected && stream.Silence is null;

    private PeerFacts Facts(MapEntry device, PeerStats? stats, IEnumerable<PeerStats> all) => new()
    {
        Name = device.Name,
        Online = device.Wire.Online,
        Stats = stats,
        Nat = runtime.Nat?.Report,
        CoordinatorReached = IsReached,
        UdpWorks = Liveness.IsUdpHeard(all),
        HasNetwork = runtime.HasNetwork,
        Relay = runtime.Carriers?.DescribeRelay(),
        SshProblem = runtime.Carriers?.SshFailure(device.Id),
        PeerSshPort = device.Wire.SshPort,
        OwnTransports = [.. runtime.Transports.Select(PathNames.Of)],
        PeerTransports = device.Wire.Transports,
        MeshOrder = TransportOrders.Between(runtime.Map?.Devices.GetValueOrDefault(ownId)?.Wire, device.Wire)?.Transports,
    };

    private static DiagnosisReport Report(PeerFacts facts, MapEntry device)
    {
        PeerDiagnosis diagnosis = PathDoctor.Diagnose(facts);
        PeerStats? stats = PathDoctor.Shown(facts);
        return new DiagnosisReport
        {
            Name = device.Name,
            MeshIp = device.Wire.Ip,
            DeviceId = device.Id,
            Online = device.Wire.Online,
            Path = stats?.Path ?? "none",
            Endpoint = stats is null or { Path: "none" } ? null : stats.Endpoint,
            Cause = JsonNamingPolicy.SnakeCaseLower.ConvertName(diagnosis.Cause.ToString()),
            Summary = diagnosis.Summary,
            Help = diagnosis.Help,
            Paths = [.. (stats?.Paths ?? []).Select(p => Path(p, p.Transport switch
            {
                "ssh" => facts.SshProblem,
                "relay" => facts.Relay?.Problem,
                _ => null,
            }))],
        };
    }

    private static PathReport Path(PathStats path, string? problem) => new()
    {
        Transport = path.Transport,
        Endpoint = path.Endpoint,
        InUse = path.InUse,
        Offered = path.Offered,
        Open = path.Open,
        State = path.State,
        RttMs = path.RttMs,
        Loss = path.Echoes > 0 ? path.Loss : null,
        Mtu = path.Mtu > 0 ? path.Mtu : null,
        Probes = path.Probes,
        Echoes = path.Echoes,
        HeardMsAgo = path.HeardMsAgo,
        Problem = path.Open ? null : problem,
    };

    private bool IsUdpHeard() => Liveness.IsUdpHeard(runtime.Plane?.GetStats() ?? []);

    private static NetCheckFamily V4(PeerNat nat, NatReport report) => Family(report.V4, Addresses(nat, AddressFamily.InterNetwork), nat.Network.V4 is not null);

    private static NetCheckFamily V6(PeerNat nat, NatReport report) => Family(report.V6, Addresses(nat, AddressFamily.InterNetworkV6), nat.Network.V6 is not null);

    private static IReadOnlyList<IPAddress> Addresses(PeerNat nat, AddressFamily family) => [.. nat.Network.Addresses.Select(a => a.Address).Where(a => a.AddressFamily == family)];

    private static NetCheckFamily Family(StunFindings findings, IReadOnlyList<IPAddress> addresses, bool route) => new()
    {
        Usable = addresses.Count > 0 && (route || findings.Endpoints.Count > 0),
        Addresses = [.. addresses.Select(a => a.ToString())],
        DefaultRoute = route,
        Mapping = findings.Behaviour switch
        {
            MappingBehaviour.None => "none",
            MappingBehaviour.EndpointIndependent => "easy",
            MappingBehaviour.Dependent => "hard",
            _ => "unknown",
        },
        PortPreserved = findings.Endpoints.Count > 0 ? findings.PortPreserved : null,
        Endpoints = [.. findings.Endpoints.Select(e => e.ToString())],
        Servers = [.. findings.Servers.Select(s => new StunServerReport
        {
            Server = s.Server.ToString(),
            SeenAs = s.Mapped.IsNone ? null : s.Mapped.ToString(),
            RttMs = s.Mapped.IsNone ? null : s.RoundTrip.TotalMilliseconds,
        })],
    };

    // IPv4 is what needs a mapping; that of IPv6 only opens a firewall.
    private static PortMappingReport Mapping(bool enabled, NatReport report) => (report.MappingV4 ?? report.MappingV6) is { } mapping
        ? new PortMappingReport
        {
            Enabled = enabled,
            Method = mapping.Method switch { PortMappingMethod.Pcp => "pcp", PortMappingMethod.NatPmp => "nat_pmp", _ => "upnp" },
            External = mapping.External.ToString(),
            Gateway = mapping.Gateway.ToString(),
            Expires = mapping.Expires,
            Holds = mapping.IsPublic && (mapping != report.MappingV4 || report.MappingAgrees),
        }
        : new PortMappingReport { Enabled = enabled, Problem = report.MappingProblem };

    private MapEntry Find(string peer)
    {
        NetworkMap map = runtime.Map ?? throw Starting();
        MapEntry device = MapNames.FindDevice(map, peer, ownId) ?? throw UnknownDevice.Error(map, peer);
        return device.Id != ownId ? device : throw new LocalApiException(LocalErrorCodes.Failed, $"`{peer}` is this device itself. `tunnelmesh netcheck` tells how others reach it.");
    }

    private static LocalApiException Starting() => new(LocalErrorCodes.Starting, "The peer is starting and does not send yet. Try again in a moment.");
}
