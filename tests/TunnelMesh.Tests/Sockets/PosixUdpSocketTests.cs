using System.Net;
using System.Net.Sockets;
using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Tests.Shared;

namespace TunnelMesh.Tests.Sockets;

/// <summary>The socket of macOS on real sockets, with Linux's numbers in place of its own.</summary>
public class PosixUdpSocketTests
{
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public void Datagrams_arrive_one_by_one_with_their_sender(string address)
    {
        using PosixUdpSocket a = Open(), b = Open();
        Assert.SkipWhen(address == "::1" && !a.HasIPv6, "no IPv6 here");
        Assert.Equal(UdpOffloads.None, a.Offloads);
        byte[] train = new byte[(19 * 1200) + 7], buffer = new byte[65535];
        new Random(1).NextBytes(train);
        Assert.Equal(0, a.SendSegments(train, 1200, To(address, b)));
        List<byte[]> arrived = [];
        while (b.ReceiveSegments(buffer, out int size, out UdpEndpoint source) is > 0 and var n)
        {
            Assert.Equal((n, To(address, a)), (size, source));
            arrived.Add(buffer[..n]);
        }

        Assert.Equal(train.Chunk(1200), arrived);
    }

    [Fact]
    public void Empty_datagrams_are_passed_over_and_long_ones_cut()
    {
        using PosixUdpSocket a = Open(), b = Open();
        UdpEndpoint to = To("127.0.0.1", b);
        Assert.True(a.Send([], to));
        Assert.True(a.Send(new byte[300], to));
        Assert.True(a.Send([], to));
        byte[] buffer = new byte[100];
        Assert.Equal(100, b.ReceiveSegments(buffer, out _, out _));
        Assert.Equal(0, b.ReceiveSegments(buffer, out _, out _));
    }

    [Fact]
    public void A_batch_is_bounded_by_the_room_for_it()
    {
        using PosixUdpSocket a = Open(), b = Open();
        for (int i = 1; i <= 5; i++)
        {
            Assert.True(a.Send(new byte[i], To("127.0.0.1", b)));
        }

        byte[] buffers = new byte[3 * 100];
        int[] lengths = new int[4];
        UdpEndpoint[] sources = new UdpEndpoint[4];
        Assert.Equal(3, b.Receive(buffers, 100, lengths, sources));
        Assert.Equal([1, 2, 3], lengths[..3]);
        Assert.Equal(2, b.Receive(buffers, 100, lengths, sources));
        Assert.Equal([4, 5], lengths[..2]);
        Assert.Equal(0, b.Receive(buffers, 100, lengths, sources));
    }

    [Fact]
    public void A_destination_without_a_way_there_is_told_and_does_not_stand_in_the_way_of_others()
    {
        using PosixUdpSocket a = Open(), b = Open();
        Assert.Equal(3, a.SendSegments(new byte[2500], 1000, UdpEndpoint.FromIPv4(0xFFFF_FFFF, 9)));

        // Nobody listens there: Linux leaves the answer on the socket, where a later call finds it.
        Assert.True(a.Send(new byte[10], UdpEndpoint.FromIPv4(0x7F00_0001, 1)));
        Assert.True(b.Send(new byte[20], To("127.0.0.1", a)));
        Assert.Equal(20, a.ReceiveSegments(new byte[100], out _, out _));
    }

    [Fact]
    public void Nothing_is_allocated()
    {
        using PosixUdpSocket a = Open(), b = Open();
        UdpEndpoint to = To("127.0.0.1", b);
        byte[] train = new byte[20 * 1200], buffer = new byte[65535];
        Assert.Equal(train.Length, Round());
        Assert.Equal(0, Allocations.Least(() => Round()));

        int Round()
        {
            a.SendSegments(train, 1200, to);
            int total = 0, n;
            while ((n = b.ReceiveSegments(buffer, out _, out _)) > 0)
            {
                total += n;
            }

            return total;
        }
    }

    [Fact]
    public void A_port_in_use_is_named_and_a_mark_refused()
    {
        using PosixUdpSocket first = Open();
        UdpSocketException e = Assert.Throws<UdpSocketException>(() => Open(new UdpSocketOptions { Port = first.Port }));
        Assert.Equal(UdpError.PortInUse, e.Error);
        Assert.Contains($"port {first.Port} is in use", e.Message, StringComparison.Ordinal);
        Assert.Equal(UdpError.NotSupported, Assert.Throws<UdpSocketException>(() => Open(new UdpSocketOptions { FirewallMark = 1 })).Error);
    }

    [Theory]
    [InlineData(SocketError.AddressAlreadyInUse, UdpError.PortInUse)]
    [InlineData(SocketError.AccessDenied, UdpError.NotPermitted)]
    [InlineData(SocketError.NoBufferSpaceAvailable, UdpError.Failed)]
    public void Why_there_is_no_socket_is_told_apart(SocketError error, UdpError expected) =>
        Assert.Equal(expected, UdpBinding.Failed(2223, new SocketException((int)error)).Error);

    internal static PosixUdpSocket Open(UdpSocketOptions? options = null) =>
        PosixUdpSocket.Open(options ?? new UdpSocketOptions(), SocketNameFormat.Linux, LinuxNative.MsgDontWait, LinuxNative.EAgain);

    private static UdpEndpoint To(string address, PosixUdpSocket socket) => UdpEndpoint.From(new IPEndPoint(IPAddress.Parse(address), socket.Port));
}
