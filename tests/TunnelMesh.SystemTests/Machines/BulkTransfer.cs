using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.SystemTests.Machines;

/// <summary>Bytes through one TCP connection between sockets of two machines, compared at the other end.</summary>
internal static class BulkTransfer
{
    /// <summary>Connects and sends both ways at once; fails unless everything arrives unchanged.</summary>
    /// <param name="client">Who connects.</param>
    /// <param name="server">Who listens.</param>
    /// <param name="listen">The address that is listened on.</param>
    /// <param name="dial">The address that is connected to, which something on the way may change into the other.</param>
    /// <param name="up">Bytes from client to server.</param>
    /// <param name="down">Bytes from server to client.</param>
    /// <param name="cancel">Ends it, as a minute does.</param>
    public static async Task RunAsync(NetworkNamespace client, NetworkNamespace server, IPAddress listen, IPAddress dial, int up, int down, CancellationToken cancel)
    {
        using Socket listener = NamespaceThread.Run(server, () =>
        {
            Socket made = new(listen.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            made.Bind(new IPEndPoint(listen, 0));
            made.Listen();
            return made;
        });
        using Socket near = NamespaceThread.Run(client, () => new Socket(dial.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(TimeSpan.FromMinutes(1));
        await near.ConnectAsync(new IPEndPoint(dial, ((IPEndPoint)listener.LocalEndPoint!).Port), limit.Token);
        using Socket far = await listener.AcceptAsync(limit.Token);
        byte[] there = Bytes(up, seed: 3), back = Bytes(down, seed: 4);
        await Task.WhenAll(SendAsync(near, there, limit.Token), SendAsync(far, back, limit.Token), ExpectAsync(far, there, limit.Token), ExpectAsync(near, back, limit.Token));
    }

    private static byte[] Bytes(int count, int seed)
    {
        byte[] bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static async Task SendAsync(Socket socket, byte[] data, CancellationToken cancel)
    {
        for (int at = 0; at < data.Length;)
        {
            at += await socket.SendAsync(data.AsMemory(at), cancel);
        }

        socket.Shutdown(SocketShutdown.Send);
    }

    private static async Task ExpectAsync(Socket socket, byte[] data, CancellationToken cancel)
    {
        byte[] buffer = new byte[65536];
        int total = 0;
        for (int n; (n = await socket.ReceiveAsync(buffer, cancel)) > 0; total += n)
        {
            Assert.True(total + n <= data.Length && data.AsSpan(total, n).SequenceEqual(buffer.AsSpan(0, n)), $"other bytes arrived than were sent, from {total} on");
        }

        Assert.Equal(data.Length, total);
    }
}
