using System.Net;
using System.Net.Sockets;
using System.Text;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Exit;

/// <summary>A web server on port 80 of a machine that tells whoever asks from which address it came, and whatever size of answer is wanted by the path. Ends with the test.</summary>
internal sealed class WhoAmI : IAsyncDisposable
{
    private readonly Socket _listener;
    private readonly Task _serving;

    public WhoAmI(NetworkNamespace machine)
    {
        _listener = NamespaceThread.Run(machine, () =>
        {
            Socket socket = new(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
            socket.Bind(new IPEndPoint(IPAddress.IPv6Any, 80));
            socket.Listen();
            return socket;
        });
        _serving = Task.Run(ServeAsync);
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _serving;
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptAsync();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }

            _ = Task.Run(() => AnswerAsync(socket));
        }
    }

    private static async Task AnswerAsync(Socket socket)
    {
        using (socket)
        {
            try
            {
                byte[] request = new byte[4096];
                int length = await socket.ReceiveAsync(request);
                string path = Encoding.ASCII.GetString(request, 0, length).Split(' ')[1];
                IPAddress address = ((IPEndPoint)socket.RemoteEndPoint!).Address;
                string body = int.TryParse(path[1..], out int size) ? new string('x', size) : (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString();
                await socket.SendAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
                socket.Shutdown(SocketShutdown.Send);
                await socket.ReceiveAsync(request);
            }
            catch (Exception e) when (e is SocketException or IndexOutOfRangeException)
            {
                // The asker has gone.
            }
        }
    }
}
