using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.Control;
using TunnelMesh.Platform.NetworkMonitor;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;
using TunnelMesh.Tests.NodeControl;

namespace TunnelMesh.Tests.Cli;

public sealed class PeerRuntimeTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("tm-runtime").FullName;
    private readonly Channel<string> _asked = Channel.CreateUnbounded<string>();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private PeerRuntime Create(MapKeeper keeper, Func<string, Task<IPAddress[]>> resolve, NetworkMap? cached = null)
    {
        MapFull map = NetworkMapTests.Full(NetworkMapTests.Device("a", 1));
        PeerHostOptions options = new()
        {
            Settings = new Settings(),
            Layout = new HomeLayout(new ProcessEnvironment { Home = _directory, UserHome = _directory }, isRoot: false),
            Context = "default",
            Name = "a",
            Version = "1",
            Output = TextWriter.Null,
            Error = TextWriter.Null,
            Log = NullLogger.Instance,
            Resolve = name =>
            {
                _asked.Writer.TryWrite(name);
                return resolve(name);
            },
        };
        MembershipStep step = new()
        {
            Membership = new PeerMembership { Server = "hub.example:8443", MeshRoot = [], Mesh = map.Mesh, Device = map.Devices[0] },
            Request = new JoinRequest
            {
                Server = new CoordinatorAddress("hub.example", 8443),
                Identity = IdentityKey.Generate(RandomNumberGenerator.Fill),
                Device = DeviceKey.Generate(RandomNumberGenerator.Fill),
                Name = "a",
            },
        };
        return new PeerRuntime(options, step, keeper, cached, [], null);
    }

    private MapKeeper Keeper() => new(new PeerStore(_directory, TimeProvider.System), new KeyPins(new Dictionary<string, string>(), _ => { }), TimeProvider.System, _ => { });

    [Fact]
    public async Task A_resolver_that_never_answers_does_not_hold_up_the_end()
    {
        await using MapKeeper keeper = Keeper();
        using CancellationTokenSource stop = new();
        Task following = Create(keeper, _ => new TaskCompletionSource<IPAddress[]>().Task).FollowServerAsync(stop.Token);
        Assert.Equal("hub.example", await _asked.Reader.ReadAsync(Cancel));
        Assert.False(following.IsCompleted);
        await stop.CancelAsync();
        await following.WaitAsync(Cancel);
    }

    [Fact]
    public async Task A_peer_with_a_stored_map_is_not_usable_while_it_is_open_whether_it_was_revoked()
    {
        await using MapKeeper keeper = Keeper();
        NetworkMap cached = NetworkMap.FromFull(NetworkMapTests.Full(NetworkMapTests.Device("a", 1)), new byte[32], null, new KeyPins(new Dictionary<string, string>(), _ => { }), DateTimeOffset.UnixEpoch).Map;
        PeerRuntime runtime = Create(keeper, _ => Task.FromResult<IPAddress[]>([]), cached);
        ControlState refused = new(ControlPhase.Disconnected, "hub.example:8443", DateTimeOffset.UnixEpoch, "refused", ControlErrorCodes.ProofRefused);
        runtime.OnState(refused);
        Assert.False(runtime.Ready.IsCompleted);
        Assert.Equal("refused", runtime.Problem);
        runtime.OnState(refused with { Code = ControlFailure.Unreachable });
        Assert.False(await runtime.Ready);
    }

    [Fact]
    public async Task The_name_is_looked_up_anew_whenever_the_stream_stands_also_after_a_failure()
    {
        await using MapKeeper keeper = Keeper();
        using CancellationTokenSource stop = new();
        int times = 0;
        PeerRuntime runtime = Create(keeper, _ => times++ == 0
            ? Task.FromException<IPAddress[]>(new SocketException((int)SocketError.TryAgain))
            : Task.FromResult<IPAddress[]>([IPAddress.Parse("192.0.2.1")]));
        Task following = runtime.FollowServerAsync(stop.Token);
        for (int i = 0; i < 3; i++)
        {
            await _asked.Reader.ReadAsync(Cancel);
            runtime.OnState(new ControlState(ControlPhase.Connected, "hub.example:8443", DateTimeOffset.UnixEpoch, null));
        }
        await stop.CancelAsync();
        await following.WaitAsync(Cancel);
    }

    [Fact]
    public async Task Servers_that_tell_how_this_peer_is_seen_follow_the_map_also_when_it_changes_in_nothing_else()
    {
        await using MapKeeper keeper = Keeper();
        PeerRuntime runtime = Create(keeper, _ => Task.FromResult<IPAddress[]>([]));
        using NoNetwork network = new();
        await using PeerNat nat = new(2223, network, mapping: false, null, _ => { }, TimeProvider.System);
        runtime.Follow(nat);
        KeyPins pins = new(new Dictionary<string, string>(), _ => { });
        MapChange first = NetworkMap.FromFull(NetworkMapTests.Full(NetworkMapTests.Device("a", 1)) with { Coordinators = [At("192.0.2.1")] }, new byte[32], null, pins, DateTimeOffset.UtcNow);
        runtime.OnMap(first);
        Assert.Equal(["192.0.2.1:3478"], Asked());
        MapChange second = first.Map.Apply(new MapDelta { Epoch = "e", From = 5, Number = 6, Coordinators = [At("192.0.2.2")] }, pins, DateTimeOffset.UtcNow);
        Assert.Empty(second.Upserted);
        runtime.OnMap(second);
        Assert.Equal(["192.0.2.2:3478"], Asked());

        static MapCoordinator At(string address) => new() { Name = "hub", Urls = [$"https://{address}:8443"], Stun = [$"{address}:3478"], RoleCertificate = [1] };
        IEnumerable<string> Asked() => nat.Report.V4.Servers.Select(s => s.Server.ToString());
    }

    private sealed class NoNetwork : INetworkMonitor
    {
        public event Action<NetworkChanges>? Changed
        {
            add { }
            remove { }
        }

        public NetworkState State { get; } = new([], null, null);

        public void Dispose()
        {
        }
    }
}
