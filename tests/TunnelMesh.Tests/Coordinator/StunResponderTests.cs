using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Coordinator.Stun;
using TunnelMesh.Protocol.Stun;

namespace TunnelMesh.Tests.Coordinator;

public sealed class StunResponderTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static Task<StunResponder> StartAsync(IPAddress address, int port = 0, TimeProvider? time = null) =>
        StunResponder.StartAsync(new IPEndPoint(address, port), () => [], NullLogger.Instance, time ?? TimeProvider.System);

    private static byte[] Request(uint number)
    {
        byte[] request = new byte[StunBinding.RequestSize];
        StunBinding.WriteRequest(request, new StunTransactionId(0x1122334455667788, number));
        return request;
    }

    private static Socket Client(IPAddress address, int port)
    {
        Socket socket = new(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        socket.Connect(address, port);
        return socket;
    }

    private static async Task<byte[]> ReceiveAsync(Socket socket)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(Patience);
        byte[] buffer = new byte[2000];
        return buffer[..await socket.ReceiveAsync(buffer, limit.Token)];
    }

    [Theory]
    [InlineData("0.0.0.0", "127.0.0.1")]
    [InlineData("::", "127.0.0.1")]
    [InlineData("::", "::1")]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("::1", "::1")]
    public async Task A_client_is_told_its_own_address(string listen, string address)
    {
        await using StunResponder responder = await StartAsync(IPAddress.Parse(listen));
        using Socket client = Client(IPAddress.Parse(address), responder.Port);
        await client.SendAsync(Request(7), Cancel);
        byte[] answer = await ReceiveAsync(client);
        Assert.True(StunMessage.TryParse(answer, out StunMessage message));
        Assert.Equal(new StunTransactionId(0x1122334455667788, 7), message.TransactionId);
        Assert.True(message.TryReadMapped(out StunAddress mapped));
        Assert.Equal(client.LocalEndPoint, mapped.ToIPEndPoint());
        Assert.Equal(1, responder.Counters.Answered);
    }

    [Fact]
    public async Task What_is_no_binding_request_is_counted_and_not_answered()
    {
        await using StunResponder responder = await StartAsync(IPAddress.Loopback);
        using Socket client = Client(IPAddress.Loopback, responder.Port);
        byte[] indication = Request(1);
        indication[1] = 0x11;
        await client.SendAsync(new byte[20], Cancel);
        await client.SendAsync(indication, Cancel);
        await client.SendAsync(new byte[9000], Cancel);
        await client.SendAsync(Request(2), Cancel);
        // One socket answers in order, so this is the first answer of all.
        Assert.True(StunMessage.TryParse(await ReceiveAsync(client), out StunMessage message));
        Assert.Equal(2U, message.TransactionId.Low);
        Assert.Equal((1, 3), (responder.Counters.Answered, responder.Counters.Ignored));
    }

    [Fact]
    public async Task An_address_that_asks_too_often_has_to_wait()
    {
        FakeTimeProvider time = new();
        time.Advance(TimeSpan.FromMinutes(1));
        await using StunResponder responder = await StartAsync(IPAddress.Loopback, time: time);
        using Socket client = Client(IPAddress.Loopback, responder.Port);
        for (uint i = 0; i < StunRateLimiter.Burst; i++)
        {
            await client.SendAsync(Request(i), Cancel);
            Assert.True(StunMessage.TryParse(await ReceiveAsync(client), out StunMessage message) && message.TransactionId.Low == i);
        }
        await client.SendAsync(Request(1000), Cancel);
        while (responder.Counters.Limited == 0)
        {
            await Task.Delay(1, Cancel);
        }
        time.Advance(TimeSpan.FromSeconds(1.01 / StunRateLimiter.Rate));
        await client.SendAsync(Request(1001), Cancel);
        Assert.True(StunMessage.TryParse(await ReceiveAsync(client), out StunMessage next));
        Assert.Equal(1001U, next.TransactionId.Low);
        Assert.Equal((StunRateLimiter.Burst + 1, 1), (responder.Counters.Answered, responder.Counters.Limited));
    }

    // Whoever forges a source chooses its port too.
    [Fact]
    public async Task A_flood_in_the_name_of_one_address_sends_it_little_from_whatever_port_and_others_are_answered()
    {
        FakeTimeProvider time = new();
        time.Advance(TimeSpan.FromMinutes(1));
        await using StunResponder responder = await StartAsync(IPAddress.Any, time: time);
        // What asks for the longest answer for its own length: an attribute without a value that has to be understood.
        byte[] request = Convert.FromHexString("000100042112a442000102030405060708090a0b" + "00030000");
        Socket[] victims = [.. Enumerable.Range(0, 20).Select(_ => Client(IPAddress.Loopback, responder.Port))];
        try
        {
            int received = 0;
            for (int i = 0; i < 1000; i++)
            {
                await victims[i % victims.Length].SendAsync(request, Cancel);
                while (responder.Counters.Answered + responder.Counters.Limited <= i)
                {
                    await Task.Delay(1, Cancel);
                }

                foreach (Socket victim in victims.Where(v => v.Available > 0))
                {
                    Assert.InRange((await ReceiveAsync(victim)).Length, StunMessage.HeaderSize, request.Length + 24);
                    received++;
                }
            }

            Assert.Equal((StunRateLimiter.Burst, 1000 - StunRateLimiter.Burst), (responder.Counters.Answered, responder.Counters.Limited));
            Assert.InRange(received, 1, StunRateLimiter.Burst);
            using Socket other = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            other.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0));
            other.Connect(IPAddress.Loopback, responder.Port);
            await other.SendAsync(Request(5), Cancel);
            Assert.True(StunMessage.TryParse(await ReceiveAsync(other), out StunMessage message) && message.TransactionId.Low == 5);
        }
        finally
        {
            Array.ForEach(victims, v => v.Dispose());
        }
    }

    [Fact]
    public void A_limit_is_of_one_address_or_one_64_and_of_all_together()
    {
        StunRateLimiter limiter = new(0x0123456789abcdef, TimeSpan.TicksPerSecond);
        StunAddress a = StunAddress.FromIPv4(0xc0000201, 1), b = StunAddress.FromIPv4(0xc0000202, 1);
        StunAddress c = new(0x20010db800000001, 1, 1), neighbour = new(0x20010db800000001, 2, 9), other = new(0x20010db800000002, 1, 1);
        const long Now = TimeSpan.TicksPerHour;
        Assert.All(Enumerable.Range(0, StunRateLimiter.Burst), i => Assert.True(limiter.TryTake(a with { Port = (ushort)i }, Now)));
        Assert.False(limiter.TryTake(a, Now));
        Assert.True(limiter.TryTake(b, Now));
        Assert.All(Enumerable.Range(0, StunRateLimiter.Burst), _ => Assert.True(limiter.TryTake(c, Now)));
        Assert.False(limiter.TryTake(neighbour, Now));
        Assert.True(limiter.TryTake(other, Now));
        Assert.True(limiter.TryTake(a, Now + TimeSpan.TicksPerSecond / StunRateLimiter.Rate));

        int taken = Enumerable.Range(0, 2 * StunRateLimiter.RateInAll).Count(i => limiter.TryTake(StunAddress.FromIPv4((uint)i, 1), Now));
        Assert.InRange(taken, StunRateLimiter.BurstInAll - 3 * StunRateLimiter.Burst, StunRateLimiter.BurstInAll);
    }

    [Fact]
    public async Task A_port_in_use_and_a_strangers_address_are_named_with_a_way_out()
    {
        await using StunResponder first = await StartAsync(IPAddress.IPv6Any);
        StunListenException inUse = await Assert.ThrowsAsync<StunListenException>(() => StartAsync(IPAddress.IPv6Any, first.Port));
        Assert.Equal(SocketError.AddressAlreadyInUse, inUse.Error);
        Assert.Contains("coordinator.stun_listen to another port or to off", inUse.Message, StringComparison.Ordinal);
        StunListenException foreign = await Assert.ThrowsAsync<StunListenException>(() => StartAsync(IPAddress.Parse("192.0.2.1")));
        Assert.Equal(SocketError.AddressNotAvailable, foreign.Error);
    }

    [Fact]
    public async Task It_looks_again_without_losing_what_it_has()
    {
        Func<IReadOnlyList<IPAddress>> list = () => [IPAddress.Parse("127.0.0.7"), IPAddress.Parse("192.0.2.1")];
        await using StunResponder responder = await StunResponder.StartAsync(new IPEndPoint(IPAddress.Any, 0), () => list(), NullLogger.Instance, TimeProvider.System);
        using (Socket other = Client(IPAddress.Parse("127.0.0.7"), responder.Port))
        {
            await other.SendAsync(Request(3), Cancel);
            Assert.True(StunMessage.TryParse(await ReceiveAsync(other), out _));
        }
        list = () => throw new IOException("no list");
        await responder.RefreshAsync();
        list = () => [];
        await responder.RefreshAsync();
        using Socket client = Client(IPAddress.Loopback, responder.Port);
        await client.SendAsync(Request(4), Cancel);
        Assert.True(StunMessage.TryParse(await ReceiveAsync(client), out _));
        // Bound and left again: the address is free for others.
        using Socket free = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        free.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.7"), responder.Port));
    }
}
