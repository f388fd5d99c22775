using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Tests.Sockets;

public sealed unsafe class WindowsUdpSocketTests : IDisposable
{
    private const int Reset = 10054, Unreachable = 10065;
    private static readonly UdpEndpoint Here = UdpEndpoint.FromIPv4(0x0A00_0001, 2223), There = UdpEndpoint.FromIPv4(0x0A00_0002, 2223);
    private readonly FakeWinsock.Network _network = new();
    private readonly WindowsUdpSocket _a, _b;
    private readonly FakeWinsock _calls, _otherCalls;
    private readonly byte[] _buffer = new byte[65535];

    public WindowsUdpSocketTests()
    {
        (_a, _calls) = _network.Open(Here);
        (_b, _otherCalls) = _network.Open(There);
    }

    public void Dispose()
    {
        _a.Dispose();
        _b.Dispose();
    }

    [Fact]
    public void Structures_are_as_long_as_the_system_makes_them()
    {
        Assert.Equal(16, sizeof(Winsock.WsaBuffer));
        Assert.Equal(56, sizeof(Winsock.WsaMessage));
        Assert.Equal(24, sizeof(Platform.Interop.IntControl));
    }

    [Fact]
    public void A_train_goes_with_one_call_for_64_datagrams_and_arrives_as_it_was()
    {
        byte[] train = new byte[(99 * 1000) + 5];
        new Random(1).NextBytes(train);
        Assert.Equal(0, _a.SendSegments(train, 1000, There));
        Assert.Equal(["train 64000/1000", "train 35005/1000"], _calls.Sent);
        Assert.Equal(train.Chunk(1000), Received());
        Assert.Equal(0, _a.SegmentationFallbacks);
    }

    [Theory]
    [InlineData(10022)]
    [InlineData(10040)]
    [InlineData(10042)]
    [InlineData(10045)]
    public void Where_the_system_or_the_path_has_no_trains_each_datagram_goes_for_itself(int error)
    {
        _calls.TrainErrors.Enqueue(error);
        byte[] train = new byte[2500];
        Assert.Equal(0, _a.SendSegments(train, 1000, There));
        Assert.Equal(0, _a.SendSegments(train, 1000, There));
        Assert.Equal(["train 2500/1000", "one 1000", "one 1000", "one 500", "one 1000", "one 1000", "one 500"], _calls.Sent);
        Assert.Equal(1, _a.SegmentationFallbacks);
        Assert.Equal(6, Received().Count);
    }

    [Fact]
    public void Without_the_offload_no_train_is_tried()
    {
        (WindowsUdpSocket socket, FakeWinsock calls) = _network.Open(UdpEndpoint.FromIPv4(0x0A00_0003, 1), UdpOffloads.None);
        using (socket)
        {
            Assert.Equal(0, socket.SendSegments(new byte[1500], 1000, There));
            Assert.Equal(["one 1000", "one 500"], calls.Sent);
        }
    }

    [Fact]
    public void A_refused_train_is_counted_whole_and_not_tried_again()
    {
        _calls.TrainErrors.Enqueue(Unreachable);
        Assert.Equal(3, _a.SendSegments(new byte[2500], 1000, There));
        Assert.Single(_calls.Sent);
        Assert.Equal(0, _a.SegmentationFallbacks);
    }

    [Fact]
    public void A_full_send_buffer_is_waited_for()
    {
        _calls.SendErrors.Enqueue(Winsock.WouldBlock);
        Assert.True(_a.Send(new byte[5], There));
        _calls.TrainErrors.Enqueue(Winsock.WouldBlock);
        Assert.Equal(0, _a.SendSegments(new byte[2500], 1000, There));
        Assert.Equal(["one 5", "one 5", "train 2500/1000", "train 2500/1000"], _calls.Sent);
    }

    [Fact]
    public void A_send_buffer_that_stays_full_loses_the_datagram_in_the_end()
    {
        for (int i = 0; i < 100; i++)
        {
            _calls.SendErrors.Enqueue(Winsock.WouldBlock);
        }

        Assert.False(_a.Send(new byte[5], There));
        Assert.InRange(_calls.Sent.Count, 2, 20);
    }

    [Fact]
    public void Errors_of_earlier_datagrams_hide_none_that_arrived()
    {
        _calls.ReceiveErrors.Enqueue(Reset);
        _calls.ReceiveErrors.Enqueue(Reset);
        Assert.True(_b.Send(new byte[7], Here));
        Assert.Equal(7, _a.ReceiveSegments(_buffer, out int size, out UdpEndpoint source));
        Assert.Equal((7, There), (size, source));
    }

    [Fact]
    public void Errors_without_end_do_not_hold_the_lane()
    {
        for (int i = 0; i < 10_000; i++)
        {
            _calls.ReceiveErrors.Enqueue(Reset);
        }

        Assert.Equal(0, _a.ReceiveSegments(_buffer, out _, out _));
        Assert.InRange(_calls.ReceiveErrors.Count, 5_000, 9_999);
        Assert.True(_a.MayHaveMore, "what is behind the errors has not been seen yet");
    }

    [Fact]
    public void What_is_too_long_is_lost_and_what_is_empty_passed_over()
    {
        Assert.True(_b.Send(new byte[300], Here));
        Assert.True(_b.Send([], Here));
        Assert.True(_b.Send(new byte[9], Here));
        Assert.Equal(9, _a.ReceiveSegments(_buffer.AsSpan(0, 100), out _, out _));
    }

    [Fact]
    public void The_socket_says_whether_it_was_found_empty()
    {
        Assert.True(_a.MayHaveMore);
        Assert.Equal(0, _a.ReceiveSegments(_buffer, out _, out _));
        Assert.False(_a.MayHaveMore);
        Assert.True(_b.Send(new byte[9], Here));
        Assert.True(_a.Arrived.WaitOne(0));
        Assert.Equal(1, _a.Receive(_buffer, 2000, new int[1], new UdpEndpoint[1]));
        Assert.True(_a.MayHaveMore);
        Assert.Equal(0, _a.Receive(_buffer, 2000, new int[1], new UdpEndpoint[1]));
        Assert.False(_a.MayHaveMore);
    }

    private List<byte[]> Received()
    {
        List<byte[]> all = [];
        while (_b.ReceiveSegments(_buffer, out _, out _) is > 0 and var n)
        {
            all.Add(_buffer[..n]);
        }

        return all;
    }
}
