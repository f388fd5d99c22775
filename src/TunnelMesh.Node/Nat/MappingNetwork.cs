using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using TunnelMesh.Protocol.PortMapping;

namespace TunnelMesh.Node.Nat;

/// <summary>Real sockets.</summary>
/// <param name="make">Makes them.</param>
internal sealed class MappingNetwork(Func<AddressFamily, SocketType, ProtocolType, Socket> make) : IMappingNetwork
{
    private const int MaxHeaderKilobytes = 8, MaxAnswers = 32;
    private static readonly TimeSpan HttpPatience = TimeSpan.FromSeconds(5), ErrorPause = TimeSpan.FromSeconds(1);
    private static readonly byte[] Query = SsdpMessage.Search();

    public IGatewayPort Connect(IPEndPoint gateway, IPAddress? local)
    {
        Socket socket = make(gateway.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            if (local is not null)
            {
                socket.Bind(new IPEndPoint(local, 0));
            }

            socket.Connect(gateway);
            return new Port(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public async Task<Uri?> SearchAsync(IPAddress gateway, IPAddress? local, TimeSpan wait, CancellationToken cancel)
    {
        using Socket socket = make(gateway.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        IPEndPoint any = new(local ?? IPAddress.Any, 0);
        socket.Bind(any);
        if (local is not null)
        {
            socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastInterface, local.GetAddressBytes());
        }

        // To the group as the standard wants it, and to the gateway, where the group is not forwarded.
        await socket.SendToAsync(Query, SocketFlags.None, new IPEndPoint(SsdpMessage.Group, SsdpMessage.Port), cancel).ConfigureAwait(false);
        await socket.SendToAsync(Query, SocketFlags.None, new IPEndPoint(gateway, SsdpMessage.Port), cancel).ConfigureAwait(false);
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(wait);
        byte[] buffer = new byte[SsdpMessage.MaxSize];
        try
        {
            for (int answers = 0; answers < MaxAnswers; answers++)
            {
                SocketReceiveFromResult result = await socket.ReceiveFromAsync(buffer, SocketFlags.None, any, limit.Token).ConfigureAwait(false);
                if (((IPEndPoint)result.RemoteEndPoint).Address.Equals(gateway) && SsdpMessage.TryReadResponse(buffer.AsSpan(0, result.ReceivedBytes), out Uri? location))
                {
                    return location;
                }
            }
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // Nobody answered.
        }

        return null;
    }

    public async Task<ReadOnlyMemory<byte>?> RequestAsync(Uri address, IgdAction? action, CancellationToken cancel)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(HttpPatience);
        using SocketsHttpHandler handler = new()
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            MaxResponseHeadersLength = MaxHeaderKilobytes,
            ConnectCallback = ConnectAsync,
        };
        using HttpClient client = new(handler) { MaxResponseContentBufferSize = IgdDescription.MaxBytes };
        using HttpRequestMessage request = new(action is null ? HttpMethod.Get : HttpMethod.Post, address);
        request.Headers.ConnectionClose = true;
        if (action is not null)
        {
            request.Headers.TryAddWithoutValidation("SOAPAction", action.Header);
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(action.Body));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("text/xml", "utf-8");
        }

        try
        {
            // Errors of UPnP come with a body, under a status of their own.
            using HttpResponseMessage response = await client.SendAsync(request, limit.Token).ConfigureAwait(false);
            return await response.Content.ReadAsByteArrayAsync(limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return null;
        }
    }

    public async Task ListenAsync(Action<ReadOnlyMemory<byte>, IPAddress> heard, CancellationToken cancel)
    {
        using Socket socket = make(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            // Shared: every program that maps ports listens there. The group is that of all hosts, which nobody has to join.
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(IPAddress.Any, PcpMessage.ClientPort));
        }
        catch (SocketException)
        {
            return;
        }

        byte[] buffer = new byte[PcpMessage.MaxSize];
        IPEndPoint any = new(IPAddress.Any, 0);
        while (true)
        {
            try
            {
                SocketReceiveFromResult result = await socket.ReceiveFromAsync(buffer, SocketFlags.None, any, cancel).ConfigureAwait(false);
                heard(buffer.AsMemory(0, result.ReceivedBytes), ((IPEndPoint)result.RemoteEndPoint).Address);
            }
            catch (SocketException)
            {
                await Task.Delay(ErrorPause, cancel).ConfigureAwait(false);
            }
        }
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        IPAddress address = IPAddress.Parse(context.DnsEndPoint.Host);
        Socket socket = make(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(address, context.DnsEndPoint.Port, cancel).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private sealed class Port(Socket socket) : IGatewayPort
    {
        private readonly byte[] _buffer = new byte[PcpMessage.MaxSize];

        public IPAddress Local { get; } = ((IPEndPoint)socket.LocalEndPoint!).Address;

        public async ValueTask SendAsync(ReadOnlyMemory<byte> datagram, CancellationToken cancel) => await socket.SendAsync(datagram, cancel).ConfigureAwait(false);

        public async ValueTask<ReadOnlyMemory<byte>> ReceiveAsync(CancellationToken cancel) => _buffer.AsMemory(0, await socket.ReceiveAsync(_buffer, cancel).ConfigureAwait(false));

        public void Dispose() => socket.Dispose();
    }
}
