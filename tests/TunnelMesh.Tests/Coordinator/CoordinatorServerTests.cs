using System.Net;
using System.Security.Cryptography;
using TunnelMesh.Coordinator.Api;
using TunnelMesh.Coordinator.Certificates;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;
using Xunit;

namespace TunnelMesh.Tests.Coordinator;

public sealed class CoordinatorServerTests : IAsyncLifetime
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"tm-{Guid.NewGuid():N}");
    private readonly string _token = MeshToken.Generate(RandomNumberGenerator.Fill);
    private SqliteState _state = null!;
    private MeshAuthority _authority = null!;
    private CoordinatorServer _server = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _state = SqliteState.Open(new SqliteStateOptions { File = Path.Combine(_directory, "state.db") });
        _authority = MeshAuthority.Open(Path.Combine(_directory, "ca"), [_state.Mesh.Cidr, _state.Mesh.Ula], TimeProvider.System);
        await _state.AddTokenAsync(_token, null, null, Cancel);
        _server = await CoordinatorServer.StartAsync(new CoordinatorServerOptions
        {
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            Name = "hub",
            State = _state,
            Authority = _authority,
        }, Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _state.DisposeAsync();
        _authority.Dispose();
        Directory.Delete(_directory, true);
    }

    private JoinRequest Request() => new()
    {
        Server = new CoordinatorAddress("127.0.0.1", _server.Port),
        Identity = IdentityKey.Generate(RandomNumberGenerator.Fill),
        Device = DeviceKey.Generate(RandomNumberGenerator.Fill),
        Name = "laptop",
    };

    [Fact]
    public async Task A_peer_joins_by_mutual_proof_and_renews_by_its_keys()
    {
        CoordinatorClient client = new(TimeProvider.System);
        JoinRequest request = Request();
        JoinResult joined = await client.JoinAsync(request, _token, Cancel);
        Assert.Equal(("laptop", "10.42.0.1"), (joined.Device.Name, joined.Device.Ip));
        JoinResult renewed = await client.RenewAsync(request, joined.MeshRoot, Cancel);
        Assert.Equal(joined.Device.Ip6, renewed.Device.Ip6);
        JoinResult second = await client.JoinAsync(Request(), _token, Cancel);
        Assert.Equal(("laptop-2", "10.42.0.2"), (second.Device.Name, second.Device.Ip));
        Assert.NotNull(second.NameNote);
    }

    [Fact]
    public async Task A_withdrawn_token_admits_nobody_from_then_on_and_whom_it_admitted_stays()
    {
        CoordinatorClient client = new(TimeProvider.System);
        JoinRequest member = Request();
        JoinResult joined = await client.JoinAsync(member, _token, Cancel);
        string other = MeshToken.Generate(RandomNumberGenerator.Fill);
        await _state.AddTokenAsync(other, null, null, Cancel);
        await _server.ReloadTokensAsync(Cancel);
        Assert.False(await _server.WithdrawTokenAsync(99, Cancel));
        Assert.True(await _server.WithdrawTokenAsync(1, Cancel));
        ControlException refused = await Assert.ThrowsAsync<ControlException>(() => client.JoinAsync(Request(), _token, Cancel));
        Assert.Equal(ControlErrorCodes.ProofRefused, refused.Code);
        Assert.Equal(joined.Device.Ip, (await client.RenewAsync(member, joined.MeshRoot, Cancel)).Device.Ip);
        Assert.Equal("10.42.0.2", (await client.JoinAsync(Request(), other, Cancel)).Device.Ip);
    }

    [Fact]
    public async Task A_wrong_token_is_refused_and_after_five_the_address_waits()
    {
        CoordinatorClient client = new(TimeProvider.System);
        for (int i = 0; i < 5; i++)
        {
            ControlException refused = await Assert.ThrowsAsync<ControlException>(() => client.JoinAsync(Request(), new string('0', 32), Cancel));
            Assert.Equal(ControlErrorCodes.ProofRefused, refused.Code);
        }
        ControlException limited = await Assert.ThrowsAsync<ControlException>(() => client.JoinAsync(Request(), _token, Cancel));
        Assert.Equal(ControlErrorCodes.RateLimited, limited.Code);
        Assert.Empty(await _state.LoadDevicesAsync(Cancel));
    }
}
