using System.Net;
using System.Net.Sockets;
using TunnelMesh.Node.Control;

namespace TunnelMesh.Tests.NodeControl;

public sealed class TcpDiallerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_hook_sees_the_socket_before_it_is_connected_and_what_it_set_holds()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        bool connected = true;
        using Socket socket = await TcpDialler.ConnectAsync("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port, new Dialling
        {
            ConfigureSocket = s =>
            {
                connected = s.Connected;
                s.SendBufferSize = 33_000;
            },
        }, Cancel);
        Assert.False(connected);
        Assert.True(socket.Connected);
        Assert.InRange(socket.SendBufferSize, 33_000, 66_000);
    }

    [Fact]
    public async Task A_name_of_both_families_is_found_where_it_listens()
    {
        IPAddress[] addresses = await Dns.GetHostAddressesAsync("localhost", Cancel);
        using TcpListener listener = new(addresses[^1], 0);
        listener.Start();
        using Socket socket = await TcpDialler.ConnectAsync("localhost", ((IPEndPoint)listener.LocalEndpoint).Port, Dialling.Plain, Cancel);
        Assert.Equal(listener.LocalEndpoint, socket.RemoteEndPoint);
    }

    [Fact]
    public async Task Nothing_that_listens_is_an_error_and_so_is_a_name_that_is_none()
    {
        using Socket bound = new(SocketType.Stream, ProtocolType.Tcp);
        bound.Bind(new IPEndPoint(IPAddress.IPv6Loopback, 0));
        SocketException refused = await Assert.ThrowsAsync<SocketException>(() => TcpDialler.ConnectAsync("::1", ((IPEndPoint)bound.LocalEndPoint!).Port, Dialling.Plain, Cancel));
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
        await Assert.ThrowsAnyAsync<SocketException>(() => TcpDialler.ConnectAsync("no-such-host.invalid", 1, Dialling.Plain, Cancel));
    }

    [Fact]
    public async Task What_the_hook_throws_ends_the_attempt()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() =>
            TcpDialler.ConnectAsync("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port, new Dialling { ConfigureSocket = _ => throw new UnauthorizedAccessException() }, Cancel));
        Assert.False(listener.Pending());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => TcpDialler.ConnectAsync("127.0.0.1", 9, Dialling.Plain, new CancellationToken(canceled: true)));
    }
}
