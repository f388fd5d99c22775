using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Tests.Packets;
using TunnelMesh.Tests.Sockets;
using TunnelMesh.Tests.Tun;

namespace TunnelMesh.Tests.DataPlane;

/// <summary>
/// Whole data planes on the devices of macOS and Windows: their threads, waits and batches are the real ones, and so are the descriptors of macOS;
/// Wintun and Winsock are played. A wake-up that is lost shows as a packet that never comes.
/// </summary>
public class OtherSystemsTests
{
    private const int Packets = 20_000;

    // Long enough for a machine under load; only a test that fails waits for it.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Two_peers_on_the_devices_of_macOS_exchange_every_packet_in_order()
    {
        using DatagramPair left = new(), right = new();
        PosixUdpSocket leftSocket = PosixUdpSocketTests.Open(), rightSocket = PosixUdpSocketTests.Open();
        using Peer a = new(1, new MacOSTunDevice(left.Device, "utun4", 1400, Addresses(1)), leftSocket, new IPEndPoint(IPAddress.Loopback, leftSocket.Port));
        using Peer b = new(2, new MacOSTunDevice(right.Device, "utun5", 1400, Addresses(2)), rightSocket, new IPEndPoint(IPAddress.Loopback, rightSocket.Port));
        a.Meet(b);
        await ExchangeAsync(a, b, p => Written(left, p), p => Written(right, p), () => Read(left), () => Read(right));

        static bool Written(DatagramPair pair, byte[] packet) => pair.KernelWrites([0, 0, 0, 2, .. packet]);
        static byte[]? Read(DatagramPair pair) => pair.KernelReads() is { Length: > 4 } frame ? frame[4..] : null;
    }

    [Fact]
    public async Task Two_peers_on_the_devices_of_Windows_exchange_every_packet_in_order()
    {
        FakeWinsock.Network network = new();
        using FakeWintun left = new(), right = new();
        (IPEndPoint here, IPEndPoint there) = (IPEndPoint.Parse("192.0.2.1:2223"), IPEndPoint.Parse("192.0.2.2:2223"));
        using Peer a = new(1, Windows(left, 1), network.Open(UdpEndpoint.From(here), notes: false).Socket, here);
        using Peer b = new(2, Windows(right, 2), network.Open(UdpEndpoint.From(there), notes: false).Socket, there);
        a.Meet(b);
        await ExchangeAsync(a, b, p => Arrived(left, p), p => Arrived(right, p), () => Read(left), () => Read(right));
        a.Dispose();
        b.Dispose();
        Assert.Equal(((0, 0, 0), (0, 0, 0)), (left.Open, right.Open));

        static bool Arrived(FakeWintun wintun, byte[] packet)
        {
            wintun.Arrive(packet);
            return true;
        }

        static byte[]? Read(FakeWintun wintun) => wintun.Written.TryDequeue(out byte[]? packet) ? packet : null;
    }

    private static WindowsTunDevice Windows(FakeWintun wintun, int number) =>
        WindowsTunDevice.Open(new TunOptions { Name = "tm0", Mtu = 1400, Addresses = Addresses(number) }, wintun, new FakeIpHelper(), Thread.Sleep);

    private static IReadOnlyList<TunAddress> Addresses(int number) => [new TunAddress(IPAddress.Parse($"10.42.0.{number}"), 16)];

    /// <summary>Numbered packets both ways at once; a window keeps the senders from running over the queues that the systems have.</summary>
    private static async Task ExchangeAsync(Peer a, Peer b, Func<byte[], bool> sendA, Func<byte[], bool> sendB, Func<byte[]?> readA, Func<byte[]?> readB)
    {
        // The first packets wait for the handshake, and of those only so many: the rest starts behind it.
        await Task.WhenAll(OneWayAsync(a, b, sendA, readB, 0, 1), OneWayAsync(b, a, sendB, readA, 0, 1));
        await Task.WhenAll(OneWayAsync(a, b, sendA, readB, 1, Packets), OneWayAsync(b, a, sendB, readA, 1, Packets));
    }

    private static Task OneWayAsync(Peer from, Peer to, Func<byte[], bool> send, Func<byte[]?> read, int first, int end) => Task.Run(() =>
    {
        long start = TimeProvider.System.GetTimestamp();
        int sent = first, got = first;
        while (got < end)
        {
            while (sent < end && sent - got < 100 && send(from.Packet(to, sent)))
            {
                sent++;
            }

            if (read() is not { } packet)
            {
                Assert.True(TimeProvider.System.GetElapsedTime(start) < Patience, $"{got} of {sent} packets came through; {from.Describe()}; {to.Describe()}");
                Thread.Yield();
            }
            else if (packet[9] == 17)
            {
                Assert.Equal(got++, BinaryPrimitives.ReadInt32BigEndian(packet.AsSpan(28)));
            }
        }
    });

    private sealed class Peer : IDisposable
    {
        private readonly LocalStatic _key = new(RandomNumberGenerator.GetBytes(32));
        private readonly Node.DataPlane.DataPlane _plane;
        private readonly IPEndPoint _endpoint;
        private readonly string _inside;

        public Peer(int number, ITunDevice tun, IUdpSocket socket, IPEndPoint endpoint)
        {
            (_endpoint, _inside) = (endpoint, $"10.42.0.{number}");
            _plane = Node.DataPlane.DataPlane.Start(new DataPlaneOptions { Lanes = [new LaneDevices(tun, socket)], Key = _key });
        }

        private PeerSpec Spec => new()
        {
            DeviceId = _inside,
            PublicKey = _key.PublicKey.ToArray(),
            AllowedPrefixes = [IPNetwork.Parse(_inside + "/32")],
            Candidates = [_endpoint],
        };

        public void Meet(Peer other)
        {
            _plane.SetPeers([other.Spec]);
            other._plane.SetPeers([Spec]);

            // The lanes take the lists up in their own time; until then every destination is one without a route.
            Assert.True(SpinWait.SpinUntil(() => _plane.GetStats().Count == 1 && other._plane.GetStats().Count == 1, Patience));
        }

        public byte[] Packet(Peer to, int number)
        {
            // Lengths vary, so that trains end and begin anew.
            byte[] payload = new byte[12 + (number % 5 == 0 ? 900 : 300)];
            BinaryPrimitives.WriteInt32BigEndian(payload.AsSpan(8), number);
            return PacketBytes.V4(_inside, to._inside, 17, payload);
        }

        public string Describe() => string.Join(' ', Enum.GetValues<DropReason>().Where(r => _plane.Counters[r] > 0).Select(r => $"{r}={_plane.Counters[r]}"));

        public void Dispose()
        {
            _plane.Dispose();
            _key.Dispose();
        }
    }
}
