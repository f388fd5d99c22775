using System.Net;
using System.Net.Sockets;
using System.Text;
using TunnelMesh.Node.Nat;
using TunnelMesh.Protocol.PortMapping;

namespace TunnelMesh.Tests.Nat;

/// <summary>The real sockets of port mapping, on loopback.</summary>
public sealed class MappingNetworkTests
{
    private int _made;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private MappingNetwork Network => new((family, type, protocol) =>
    {
        Interlocked.Increment(ref _made);
        return new Socket(family, type, protocol);
    });

    [Fact]
    public async Task Nobody_but_the_gateway_is_heard()
    {
        using Socket gateway = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp), stranger = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        gateway.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        stranger.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using IGatewayPort port = Network.Connect((IPEndPoint)gateway.LocalEndPoint!, IPAddress.Loopback);
        Assert.Equal((IPAddress.Loopback, 1), (port.Local, _made));
        await port.SendAsync(new byte[] { 1 }, Cancel);
        SocketReceiveFromResult asked = await gateway.ReceiveFromAsync(new byte[10], SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), Cancel);
        await stranger.SendToAsync(new byte[] { 66 }, SocketFlags.None, asked.RemoteEndPoint, Cancel);
        await gateway.SendToAsync(new byte[] { 2 }, SocketFlags.None, asked.RemoteEndPoint, Cancel);
        Assert.Equal([2], (await port.ReceiveAsync(Cancel)).ToArray());
    }

    [Fact]
    public async Task A_port_that_nothing_listens_at_is_told()
    {
        using Socket closed = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        closed.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using IGatewayPort port = Network.Connect((IPEndPoint)closed.LocalEndPoint!, null);
        closed.Dispose();
        await port.SendAsync(new byte[] { 1 }, Cancel);
        SocketException e = await Assert.ThrowsAsync<SocketException>(async () => await port.ReceiveAsync(Cancel));
        Assert.Equal(SocketError.ConnectionRefused, e.SocketErrorCode);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello")]
    [InlineData("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 5\r\n\r\nfault", "fault")]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: 4\r\n\r\nmove", "move")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n", null)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort", null)]
    [InlineData("nonsense\r\n\r\n", null)]
    [InlineData("", null)]
    public async Task A_body_comes_with_any_status_and_not_beyond_the_limit(string answer, string? expected)
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        Task<string> serving = ServeAsync(listener, answer);
        IgdService service = new("urn:schemas-upnp-org:service:WANIPConnection:1", new Uri($"http://{listener.LocalEndpoint}/ctl"));
        ReadOnlyMemory<byte>? body = await Network.RequestAsync(service.Control, IgdAction.GetExternalIPAddress(service), Cancel);
        Assert.Equal(expected, body is { } bytes ? Encoding.ASCII.GetString(bytes.Span) : null);
        string request = await serving;
        Assert.StartsWith("POST /ctl HTTP/1.1\r\n", request, StringComparison.Ordinal);
        Assert.Contains("SOAPAction: \"urn:schemas-upnp-org:service:WANIPConnection:1#GetExternalIPAddress\"\r\n", request, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(1, _made);
    }

    private static async Task<string> ServeAsync(TcpListener listener, string answer)
    {
        using Socket socket = await listener.AcceptSocketAsync(Cancel);
        byte[] buffer = new byte[4096];
        int read = 0;
        while (!Encoding.ASCII.GetString(buffer, 0, read).Contains("</s:Envelope>", StringComparison.Ordinal))
        {
            int n = await socket.ReceiveAsync(buffer.AsMemory(read), Cancel);
            Assert.NotEqual(0, n);
            read += n;
        }

        await socket.SendAsync(Encoding.ASCII.GetBytes(answer), Cancel);
        socket.Shutdown(SocketShutdown.Send);
        return Encoding.ASCII.GetString(buffer, 0, read);
    }
}
