using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.SystemTests.Machines;

/// <summary>Trains of UDP datagrams that leave a machine's kernel whole (UDP_SEGMENT), compared one by one at the other end.</summary>
internal static class DatagramTrains
{
    private const int SolUdp = 17, UdpSegment = 103;

    /// <summary>Sends trains of many sizes, each when the one before has arrived; fails unless every datagram arrives unchanged and in order.</summary>
    /// <param name="from">Who sends.</param>
    /// <param name="to">Who receives.</param>
    /// <param name="listen">The address that is received on.</param>
    /// <param name="dial">The address that is sent to, which something on the way may change into the other.</param>
    /// <param name="count">How many trains.</param>
    /// <param name="largest">The largest datagram's payload in bytes.</param>
    /// <param name="cancel">Ends it, as half a minute does.</param>
    public static async Task RunAsync(NetworkNamespace from, NetworkNamespace to, IPAddress listen, IPAddress dial, int count, int largest, CancellationToken cancel)
    {
        using Socket sender = NamespaceThread.Run(from, () => new Socket(dial.AddressFamily, SocketType.Dgram, ProtocolType.Udp)), receiver = NamespaceSocket.Bind(to, listen);
        IPEndPoint target = new(dial, ((IPEndPoint)receiver.LocalEndPoint!).Port);
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        Random random = new(11);
        byte[] datagram = new byte[2000];
        for (int i = 0; i < count; i++)
        {
            int size = random.Next(1, largest + 1);
            byte[] train = new byte[random.Next(size + 1, Math.Min(65000, size * 60) + 1)];
            random.NextBytes(train);
            sender.SetRawSocketOption(SolUdp, UdpSegment, BitConverter.GetBytes(size));
            await sender.SendToAsync(train, target, limit.Token);
            foreach (byte[] sent in train.Chunk(size))
            {
                int length = await receiver.ReceiveAsync(datagram, limit.Token);
                Assert.Equal(sent, datagram[..length]);
            }
        }
    }
}
