using System.Net;
using System.Net.Sockets;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Filter;

/// <summary>Real TCP and UDP between machines, with an answer or without.</summary>
internal static class Probe
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1.5);

    /// <summary>True when a TCP connection comes about and carries a byte both ways.</summary>
    public static async Task<bool> TcpAsync(NetworkNamespace from, NetworkNamespace to, IPAddress target, int port, CancellationToken cancel)
    {
        using Socket listener = NamespaceThread.Run(to, () =>
        {
            Socket socket = new(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(target, port));
            socket.Listen();
            return socket;
        });
        using Socket client = NamespaceThread.Run(from, () => new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(Patience);
        try
        {
            await client.ConnectAsync(new IPEndPoint(target, port), patience.Token);
            using Socket accepted = await listener.AcceptAsync(patience.Token);
            byte[] one = [7];
            await client.SendAsync(one, patience.Token);
            await accepted.ReceiveAsync(one, patience.Token);
            await accepted.SendAsync(one, patience.Token);
            return await client.ReceiveAsync(one, patience.Token) == 1;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>True when a datagram of a size is answered by one as large; asked three times.</summary>
    public static async Task<bool> UdpAsync(NetworkNamespace from, NetworkNamespace to, IPAddress target, int port, CancellationToken cancel, int size = 100)
    {
        using Socket server = NamespaceSocket.Bind(to, target, port);
        using Socket client = NamespaceThread.Run(from, () => new Socket(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp));
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Task echoing = EchoAsync(server, ended.Token);
        byte[] buffer = new byte[size];
        bool answered = false;
        for (int attempt = 0; attempt < 3 && !answered; attempt++)
        {
            using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            patience.CancelAfter(Patience / 3);
            try
            {
                await client.SendToAsync(buffer, new IPEndPoint(target, port), patience.Token);
                answered = await client.ReceiveAsync(buffer, patience.Token) == size;
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                // No answer in time.
            }
        }

        await ended.CancelAsync();
        await echoing;
        return answered;
    }

    private static async Task EchoAsync(Socket server, CancellationToken cancel)
    {
        byte[] buffer = new byte[65536];
        EndPoint anybody = new IPEndPoint(server.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        try
        {
            while (true)
            {
                SocketReceiveFromResult received = await server.ReceiveFromAsync(buffer, anybody, cancel);
                await server.SendToAsync(buffer.AsMemory(0, received.ReceivedBytes), received.RemoteEndPoint, cancel);
            }
        }
        catch (OperationCanceledException)
        {
            // The probe is over.
        }
    }
}
