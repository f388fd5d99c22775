using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Filter;

/// <summary>Real TCP, UDP and errors of ICMP between machines, with an answer or without.</summary>
internal static class Probe
{
    /// <summary>What <see cref="TooBigAsync"/> has fit: less than an interface of the mesh has, more than the least there is of IPv6.</summary>
    public const int NarrowMtu = 1300;

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

    /// <summary>What a program is told whose datagrams go to a port at which nobody listens; null for nothing. Asked three times.</summary>
    public static async Task<SocketError?> ClosedUdpAsync(NetworkNamespace from, IPAddress target, int port, CancellationToken cancel)
    {
        using Socket client = NamespaceThread.Run(from, () => new Socket(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp));
        await client.ConnectAsync(new IPEndPoint(target, port), cancel);
        return await ErrorAsync(client, () => client.Send(new byte[100]), cancel);
    }

    /// <summary>
    /// What the program of a sender is told when the system of another machine says that packets from it are too large (RFC 792 fragmentation needed, RFC 4443 packet too big); null for nothing. Said three times.
    /// </summary>
    public static async Task<SocketError?> TooBigAsync(NetworkNamespace sender, IPAddress own, NetworkNamespace other, IPAddress target, CancellationToken cancel)
    {
        using Socket client = NamespaceSocket.Bind(sender, own);
        await client.ConnectAsync(new IPEndPoint(target, 7000), cancel);
        bool v4 = own.AddressFamily == AddressFamily.InterNetwork;
        using Socket raw = NamespaceThread.Run(other, () => new Socket(own.AddressFamily, SocketType.Raw, v4 ? ProtocolType.Icmp : ProtocolType.IcmpV6));
        byte[] message = TooBig(own, target, (ushort)((IPEndPoint)client.LocalEndPoint!).Port);
        return await ErrorAsync(client, () => raw.SendTo(message, new IPEndPoint(own, 0)), cancel);
    }

    private static async Task<SocketError?> ErrorAsync(Socket client, Action send, CancellationToken cancel)
    {
        for (int attempt = 0; attempt < 3; attempt++)
        {
            using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            patience.CancelAfter(Patience / 3);
            try
            {
                send();
                await client.ReceiveAsync(new byte[100], patience.Token);
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                // Told nothing in time.
            }
            catch (SocketException e)
            {
                return e.SocketErrorCode;
            }
        }
        return null;
    }

    // With the beginning of the datagram it is about, from the sender to port 7000. The system adds the checksum of ICMPv6, not that of ICMP.
    private static byte[] TooBig(IPAddress own, IPAddress target, ushort port)
    {
        byte[] udp = [(byte)(port >> 8), (byte)port, 7000 >> 8, 7000 & 0xFF, 0x05, 0x40, 0, 0];
        if (own.AddressFamily == AddressFamily.InterNetworkV6)
        {
            return [2, 0, 0, 0, 0, 0, NarrowMtu >> 8, NarrowMtu & 0xFF, 0x60, 0, 0, 0, 0x05, 0x40, 17, 64, .. own.GetAddressBytes(), .. target.GetAddressBytes(), .. udp];
        }
        byte[] message = [3, 4, 0, 0, 0, 0, NarrowMtu >> 8, NarrowMtu & 0xFF, 0x45, 0, 0x05, 0x54, 0, 0, 0x40, 0, 64, 17, 0, 0, .. own.GetAddressBytes(), .. target.GetAddressBytes(), .. udp];
        uint sum = 0;
        for (int at = 0; at < message.Length; at += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(message.AsSpan(at));
        }
        sum = (sum & 0xFFFF) + (sum >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), (ushort)~(sum + (sum >> 16)));
        return message;
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
