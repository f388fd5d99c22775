using System.Net;
using System.Net.Sockets;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Tests.Sockets;

public sealed class SocketMarkTests
{
    // SOL_SOCKET and SO_MARK: asm-generic/socket.h.
    private const int Level = 1, Option = 36;

    [Fact]
    public async Task A_mark_is_on_the_socket_and_on_what_it_accepts()
    {
        if (!SocketMark.IsSupported || !Environment.IsPrivilegedProcess)
        {
            Assert.Skip("marking needs Linux and root");
        }
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp), client = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        SocketMark.Set(listener, 0xfedcba98);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        await client.ConnectAsync(listener.LocalEndPoint!, TestContext.Current.CancellationToken);
        using Socket accepted = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        Assert.Equal((0xfedcba98, 0xfedcba98, 0u), (Read(listener), Read(accepted), Read(client)));

        static uint Read(Socket socket)
        {
            Span<byte> value = stackalloc byte[sizeof(uint)];
            socket.GetRawSocketOption(Level, Option, value);
            return BitConverter.ToUInt32(value);
        }
    }
}
