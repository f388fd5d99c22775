using System.Net;
using System.Security.Cryptography;
using TunnelMesh.Coordinator.Api;
using TunnelMesh.Coordinator.Certificates;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Tests.Coordinator;

/// <summary>A real coordinator on loopback, behind a relay whose port stays the same when the coordinator starts anew.</summary>
internal sealed class TestMesh : IAsyncDisposable
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"tm-{Guid.NewGuid():N}");
    private readonly List<TestPeer> _peers = [];
    private Func<CoordinatorServerOptions, CoordinatorServerOptions> _change = o => o;
    private TimeProvider _time = TimeProvider.System;

    internal string Token { get; } = MeshToken.Generate(RandomNumberGenerator.Fill);

    internal SqliteState State { get; private set; } = null!;

    internal MeshAuthority Authority { get; private set; } = null!;

    internal CoordinatorServer Server { get; private set; } = null!;

    internal TcpRelay Relay { get; private set; } = null!;

    internal string StateDirectory => _directory;

    internal CoordinatorAddress Address => new("127.0.0.1", Relay.Port);

    internal byte[] Root => Authority.Root.RawData;

    internal MeshInfo Mesh => new()
    {
        MeshId = State.Mesh.MeshId,
        Cidr = State.Mesh.Cidr.ToString(),
        Cidr6 = State.Mesh.Ula.ToString(),
        Domain = "tunnelmesh",
        MapMaxAgeSeconds = 60,
    };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    internal static async Task<TestMesh> StartAsync(Func<CoordinatorServerOptions, CoordinatorServerOptions>? change = null, TimeProvider? time = null)
    {
        TestMesh mesh = new();
        mesh._change = change ?? mesh._change;
        mesh._time = time ?? mesh._time;
        mesh.OpenState();
        await mesh.State.AddTokenAsync(mesh.Token, null, null, Cancel);
        await mesh.ServeAsync();
        return mesh;
    }

    /// <summary>Stops the server; devices lose their streams.</summary>
    internal async Task StopAsync()
    {
        await Server.DisposeAsync();
        await State.DisposeAsync();
        Authority.Dispose();
    }

    /// <summary>Starts again from the same files.</summary>
    internal async Task StartAgainAsync()
    {
        OpenState();
        await ServeAsync();
    }

    internal JoinRequest Request(string name = "laptop") => new()
    {
        Server = Address,
        Identity = IdentityKey.Generate(RandomNumberGenerator.Fill),
        Device = DeviceKey.Generate(RandomNumberGenerator.Fill),
        Name = name,
        ProgramVersion = "test",
    };

    internal async Task<JoinResult> JoinAsync(JoinRequest request) => await new CoordinatorClient(TimeProvider.System).JoinAsync(request, Token, Cancel);

    /// <summary>Joins and starts a control stream.</summary>
    internal async Task<TestPeer> PeerAsync(string name, params string[] endpoints)
    {
        JoinRequest request = Request(name);
        JoinResult joined = await JoinAsync(request);
        return Run(request, joined.Certificate, endpoints: endpoints);
    }

    /// <summary>Starts a control stream.</summary>
    /// <param name="request">Keys, name and where to.</param>
    /// <param name="certificate">To begin with, or null to renew first.</param>
    /// <param name="map">As if from the cache.</param>
    /// <param name="onMap">Told of each map before the test sees it.</param>
    /// <param name="endpoints">Its endpoints.</param>
    internal TestPeer Run(JoinRequest request, PeerCertificate? certificate, NetworkMap? map = null, Action<MapChange>? onMap = null, params string[] endpoints)
    {
        TestPeer peer = new(request, Root, Mesh, certificate, map, endpoints, onMap, _time);
        _peers.Add(peer);
        return peer;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (TestPeer peer in _peers)
        {
            await peer.DisposeAsync();
        }
        await StopAsync();
        await Relay.DisposeAsync();
        Directory.Delete(_directory, true);
    }

    private void OpenState()
    {
        State = SqliteState.Open(new SqliteStateOptions { File = Path.Combine(_directory, "state.db"), Time = _time });
        Authority = MeshAuthority.Open(Path.Combine(_directory, "ca"), [State.Mesh.Cidr, State.Mesh.Ula], _time);
    }

    private async Task ServeAsync()
    {
        Server = await CoordinatorServer.StartAsync(_change(new CoordinatorServerOptions
        {
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            Name = "hub",
            State = State,
            Authority = Authority,
            Time = _time,
        }), Cancel);
        Relay ??= new TcpRelay();
        Relay.Target = Server.Port;
    }
}
