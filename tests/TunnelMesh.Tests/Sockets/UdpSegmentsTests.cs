using System.Net;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Tests.Shared;

namespace TunnelMesh.Tests.Sockets;

public class UdpSegmentsTests
{
    [Theory]
    [InlineData("127.0.0.1", UdpOffloads.All, UdpOffloads.All)]
    [InlineData("::1", UdpOffloads.All, UdpOffloads.All)]
    [InlineData("127.0.0.1", UdpOffloads.None, UdpOffloads.All)]
    [InlineData("127.0.0.1", UdpOffloads.All, UdpOffloads.None)]
    [InlineData("::1", UdpOffloads.None, UdpOffloads.None)]
    public void A_train_arrives_as_the_same_datagrams_with_and_without_offloads(string address, UdpOffloads sending, UdpOffloads receiving)
    {
        using IUdpSocket a = Open(sending), b = Open(receiving);
        Assert.SkipWhen(address == "::1" && !a.HasIPv6, "no IPv6 here");
        Assert.Equal((sending, receiving), (a.Offloads, b.Offloads));
        foreach ((int count, int size, int last) in new[] { (1, 500, 500), (2, 1448, 1448), (20, 1448, 7), (64, 100, 100), (150, 200, 1), (50, 1448, 900), (3, 40000, 5), (2, 65507, 100) })
        {
            byte[] train = new byte[(count - 1) * size + last];
            new Random(count).NextBytes(train);
            Assert.Equal(0, a.SendSegments(train, size, To(address, b)));
            List<byte[]> arrived = Receive(b, out UdpEndpoint source);
            Assert.Equal(train.Chunk(size), arrived);
            Assert.Equal(To(address, a), source);
        }

        Assert.Equal(0, a.SegmentationFallbacks);
    }

    [Fact]
    public void A_train_is_received_with_fewer_calls_than_it_has_datagrams()
    {
        using IUdpSocket a = Open(UdpOffloads.All), b = Open(UdpOffloads.All);
        Assert.Equal(0, a.SendSegments(new byte[40 * 1200], 1200, To("127.0.0.1", b)));
        Assert.Equal(40 * 1200, b.ReceiveSegments(new byte[65535], out int size, out _));
        Assert.Equal(1200, size);
    }

    [Fact]
    public void Single_datagrams_keep_their_own_length_and_empty_ones_are_passed_over()
    {
        using IUdpSocket a = Open(UdpOffloads.All), b = Open(UdpOffloads.All);
        UdpEndpoint to = To("127.0.0.1", b);
        Assert.True(a.Send(new byte[300], to));
        Assert.True(a.Send([], to));
        Assert.True(a.Send(new byte[7], to));
        Assert.Equal([300, 7], Receive(b, out _).Select(d => d.Length));
    }

    [Fact]
    public void A_destination_without_a_way_there_is_told_to_the_caller()
    {
        using IUdpSocket a = Open(UdpOffloads.All);
        Assert.Equal(3, a.SendSegments(new byte[3000], 1000, UdpEndpoint.FromIPv4(0xFFFF_FFFF, 9)));
    }

    [Fact]
    public void A_socket_that_receives_trains_refuses_to_cut_them()
    {
        using IUdpSocket a = Open(UdpOffloads.All);
        Assert.Throws<InvalidOperationException>(() => a.Receive(new byte[10], 10, new int[1], new UdpEndpoint[1]));
    }

    [Fact]
    public void Nothing_is_allocated()
    {
        using IUdpSocket a = Open(UdpOffloads.All), b = Open(UdpOffloads.All), c = Open(UdpOffloads.None);
        UdpEndpoint to = To("127.0.0.1", b);
        byte[] train = new byte[20 * 1200], buffer = new byte[65535];
        Assert.Equal(2 * train.Length, Round());
        Assert.Equal(0, Allocations.Least(() => Round()));

        int Round()
        {
            a.SendSegments(train, 1200, to);
            c.SendSegments(train, 1200, to);
            int total = 0, n;
            while ((n = b.ReceiveSegments(buffer, out _, out _)) > 0)
            {
                total += n;
            }

            return total;
        }
    }

    private static IUdpSocket Open(UdpOffloads offloads)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only");
        return UdpSocket.Open(new UdpSocketOptions { Offloads = offloads });
    }

    private static UdpEndpoint To(string address, IUdpSocket socket) => UdpEndpoint.From(new IPEndPoint(IPAddress.Parse(address), socket.Port));

    // Loopback delivers within the sending call.
    private static List<byte[]> Receive(IUdpSocket socket, out UdpEndpoint source)
    {
        byte[] buffer = new byte[65535];
        List<byte[]> arrived = [];
        source = default;
        while (socket.ReceiveSegments(buffer, out int size, out UdpEndpoint from) is > 0 and var n)
        {
            source = from;
            arrived.AddRange(buffer.AsSpan(0, n).ToArray().Chunk(size));
        }

        return arrived;
    }
}
