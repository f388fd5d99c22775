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
    public async Task Who_knows_the_root_joins_no_mesh_with_another_and_proves_nothing_there()
    {
        CoordinatorClient client = new(TimeProvider.System);
        byte[] pin = SHA256.HashData(_authority.Root.RawData), other = [.. pin];
        other[^1] ^= 1;
        ControlException refused = await Assert.ThrowsAsync<ControlException>(() => client.JoinAsync(Request() with { CaPin = other }, _token, Cancel));
        Assert.Equal(ControlFailure.Tls, refused.Code);
        Assert.Contains(Convert.ToHexStringLower(pin), refused.Message, StringComparison.Ordinal);
        Assert.Empty(await _state.LoadDevicesAsync(Cancel));
        Assert.Equal("10.42.0.1", (await client.JoinAsync(Request() with { CaPin = pin }, _token, Cancel)).Device.Ip);
    }

    [Fact]
    public async Task A_second_token_counts_at_once_and_the_first_no_more_once_it_is_revoked()
    {
        CoordinatorClient client = new(TimeProvider.System);
        JoinRequest member = Request();
        JoinResult joined = await client.JoinAsync(member, _token, Cancel);
        TokenRow other = (await _server.CreateTokenAsync(null, null, Cancel))!;
        Assert.True(MeshToken.TryParse(other.Secret, out _, out _));
        Assert.Equal("10.42.0.2", (await client.JoinAsync(Request(), other.Secret, Cancel)).Device.Ip);
        Assert.Null(await _server.RevokeTokenAsync(99, withDevices: false, Cancel));
        Assert.Empty((await _server.RevokeTokenAsync(1, withDevices: false, Cancel))!);
        ControlException refused = await Assert.ThrowsAsync<ControlException>(() => client.JoinAsync(Request(), _token, Cancel));
        Assert.Equal(ControlErrorCodes.ProofRefused, refused.Code);
        Assert.Equal(joined.Device.Ip, (await client.RenewAsync(member, joined.MeshRoot, Cancel)).Device.Ip);
        Assert.Equal("10.42.0.3", (await client.JoinAsync(Request(), other.Secret, Cancel)).Device.Ip);
    }

    [Fact]
    public async Task A_token_for_one_device_admits_one_and_that_one_stays()
    {
        CoordinatorClient client = new(TimeProvider.System);
        TokenRow once = (await _server.CreateTokenAsync(null, 1, Cancel))!;
        JoinRequest first = Request();
        JoinResult joined = await client.JoinAsync(first, once.Secret, Cancel);
        Assert.Equal(ControlErrorCodes.ProofRefused, (await Assert.ThrowsAsync<ControlException>(() => client.JoinAsync(Request(), once.Secret, Cancel))).Code);
        Assert.Equal(joined.Device.Ip, (await client.RenewAsync(first, joined.MeshRoot, Cancel)).Device.Ip);
    }

    [Fact]
    public async Task Devices_that_a_token_admitted_go_with_it_and_those_of_another_stay()
    {
        CoordinatorClient client = new(TimeProvider.System);
        TokenRow leaked = (await _server.CreateTokenAsync(null, null, Cancel))!;
        JoinRequest stranger = Request(), member = Request();
        JoinResult strange = await client.JoinAsync(stranger, leaked.Secret, Cancel), joined = await client.JoinAsync(member, _token, Cancel);
        Assert.Equal([strange.Device.Id], await _server.RevokeTokenAsync(leaked.Id, withDevices: true, Cancel));
        Assert.Equal(ControlErrorCodes.Revoked, (await Assert.ThrowsAsync<ControlException>(() => client.RenewAsync(stranger, strange.MeshRoot, Cancel))).Code);
        Assert.Equal(joined.Device.Ip, (await client.RenewAsync(member, joined.MeshRoot, Cancel)).Device.Ip);
    }

    [Fact]
    public async Task No_more_tokens_are_valid_at_once_than_a_join_can_be_tried_against()
    {
        for (int made = 1; made < 256; made++)
        {
            Assert.NotNull(await _state.AddTokenAsync(MeshToken.Generate(RandomNumberGenerator.Fill), null, null, Cancel));
        }
        Assert.Null(await _server.CreateTokenAsync(null, null, Cancel));
        await _server.RevokeTokenAsync(1, withDevices: false, Cancel);
        Assert.NotNull(await _server.CreateTokenAsync(null, null, Cancel));
    }

    [Fact]
    public async Task A_version_that_steers_terminals_is_not_handed_out()
    {
        ControlException refused = await Assert.ThrowsAsync<ControlException>(
            () => new CoordinatorClient(TimeProvider.System).JoinAsync(Request() with { ProgramVersion = "1\u001b[2J" }, _token, Cancel));
        Assert.Equal(ControlErrorCodes.BadMessage, refused.Code);
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
