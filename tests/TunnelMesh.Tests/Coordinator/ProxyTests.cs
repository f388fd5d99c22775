using System.Net;
using System.Net.Sockets;
using TunnelMesh.Coordinator.Api;
using TunnelMesh.Node.Control;

namespace TunnelMesh.Tests.Coordinator;

/// <summary>Coordinators behind a real proxy, and on more than one port.</summary>
public sealed class ProxyTests
{
    private const string Secret = "open:sesame and more";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // A name that only the proxy can resolve.
    private static JoinRequest Through(TestMesh mesh, ConnectProxy proxy, string user = "", string exceptions = "") => mesh.Request("inside") with
    {
        Server = new CoordinatorAddress("hub.mesh.invalid", 443),
        Dialling = new Dialling { Proxy = ProxySettings.Read(name => name == "HTTPS_PROXY" ? $"http://{user}127.0.0.1:{proxy.Port}" : name == "NO_PROXY" ? exceptions : null) },
    };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Join_control_stream_and_relay_go_through_the_proxy_that_is_set(bool asksForPassword)
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        await using ConnectProxy proxy = new(mesh.Server.Port, asksForPassword ? Secret : null);
        JoinRequest request = Through(mesh, proxy, asksForPassword ? $"open:{Uri.EscapeDataString("sesame and more")}@" : "");
        JoinResult joined = await mesh.JoinAsync(request);
        TestPeer peer = mesh.Run(request, joined.Certificate);
        await peer.SeesAsync("inside", online: true);
        await using RelayPeer relay = new(request, joined, mesh.Root);
        await relay.OpenAsync();
        relay.Transport.Send(relay.Id, RelayPeer.Batch(5, 45, 1420), 1420);
        await relay.UntilAsync(() => relay.Received.Count == 45);
        Assert.Equal(3, proxy.Tunnels);
        Assert.All(proxy.Requests, line => Assert.Equal("CONNECT hub.mesh.invalid:443 HTTP/1.1", line));
    }

    [Fact]
    public async Task A_proxy_that_wants_another_password_is_named_without_the_one_that_was_given()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        await using ConnectProxy proxy = new(mesh.Server.Port, Secret);
        foreach (string user in new[] { "", "open:guessed-word@" })
        {
            ControlException e = await Assert.ThrowsAsync<ControlException>(() => mesh.JoinAsync(Through(mesh, proxy, user)));
            Assert.Equal(ControlFailure.Unreachable, e.Code);
            Assert.Contains($"through the proxy 127.0.0.1:{proxy.Port}: it wants a name and a password", e.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("guessed-word", e.ToString(), StringComparison.Ordinal);
        }
        Assert.Equal(0, proxy.Tunnels);
    }

    [Fact]
    public async Task A_proxy_that_forbids_the_port_leads_to_the_one_that_most_allow()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        await using ConnectProxy proxy = new(mesh.Server.Port, refuses: true);
        ControlException e = await Assert.ThrowsAsync<ControlException>(() => mesh.JoinAsync(Through(mesh, proxy)));
        Assert.Contains("it refuses with HTTP 403. Many proxies allow port 443 only", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_proxy_that_is_away_is_named_and_an_exception_goes_round_it()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        ConnectProxy proxy = new(mesh.Server.Port);
        int port = proxy.Port;
        JoinRequest request = Through(mesh, proxy), around = Through(mesh, proxy, exceptions: "mesh.invalid");
        await proxy.DisposeAsync();
        ControlException e = await Assert.ThrowsAsync<ControlException>(() => mesh.JoinAsync(request));
        Assert.Contains($"the proxy 127.0.0.1:{port}, which HTTPS_PROXY names, cannot be reached", e.Message, StringComparison.Ordinal);
        ControlException round = await Assert.ThrowsAsync<ControlException>(() => mesh.JoinAsync(around));
        Assert.Contains("the name cannot be resolved", round.Message, StringComparison.Ordinal);
        // This machine itself is never behind a proxy.
        await mesh.JoinAsync(request with { Server = mesh.Address });
    }

    [Fact]
    public async Task Every_connection_is_shown_to_the_hook_before_it_is_made()
    {
        List<bool> connected = [], listening = [];
        await using TestMesh mesh = await TestMesh.StartAsync(o => o with { ConfigureSocket = s => listening.Add(s.IsBound) });
        Assert.Equal([false], listening);
        JoinRequest request = mesh.Request("peer") with { Dialling = new Dialling { ConfigureSocket = s => connected.Add(s.Connected) } };
        JoinResult joined = await mesh.JoinAsync(request);
        Assert.Equal([false], connected);
        await using (RelayPeer relay = new(request, joined, mesh.Root))
        {
            await relay.OpenAsync();
        }
        Assert.Equal([false, false], connected);
    }

    [Fact]
    public async Task A_coordinator_serves_on_every_endpoint_it_is_given()
    {
        using Socket reserved = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        reserved.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0));
        reserved.Listen();
        IPEndPoint second = (IPEndPoint)reserved.LocalEndPoint!;
        CoordinatorListenException taken = await Assert.ThrowsAsync<CoordinatorListenException>(() => StartAsync(second));
        Assert.Equal((SocketError.AddressAlreadyInUse, second), (taken.Error, taken.Endpoint));
        reserved.Dispose();

        await using TestMesh mesh = await StartAsync(second);
        JoinRequest request = mesh.Request("peer") with { Server = new CoordinatorAddress("127.0.0.2", second.Port) };
        JoinResult joined = await mesh.JoinAsync(request);
        await using RelayPeer relay = new(request, joined, mesh.Root);
        await relay.OpenAsync();
        TestPeer peer = mesh.Run(request with { Server = new CoordinatorAddress("127.0.0.1", mesh.Server.Port) }, joined.Certificate);
        await peer.SeesAsync("peer", online: true);
    }

    private static Task<TestMesh> StartAsync(IPEndPoint second) => TestMesh.StartAsync(o => o with { AlsoListen = [second] });
}
