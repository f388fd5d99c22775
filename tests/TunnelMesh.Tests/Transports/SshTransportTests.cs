using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.Transports.Ssh;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Ssh;
using TunnelMesh.Tests.Coordinator;

namespace TunnelMesh.Tests.Transports;

/// <summary>What an open connection of the carrier over SSH (<see cref="SshTransport"/>) does with datagrams, silence and strangers, on two of them over loopback.</summary>
public sealed class SshTransportTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Datagrams_go_both_ways_in_order_and_trains_stay_trains()
    {
        (SshNode one, SshNode two) = SshNode.Pair();
        await using (one)
        await using (two)
        {
            Assert.False(one.Transport.IsOpen(2));
            Assert.Equal(3, one.Transport.Send(2, new byte[250], 100));
            await one.OpenAsync(two, Cancel);
            Assert.True(one.Transport.IsOpen(2) && two.Transport.IsOpen(1));
            byte[] train = RandomNumberGenerator.GetBytes(44 * 1420 - 7);
            Assert.Equal(0, one.Transport.Send(2, train, 1420));
            foreach (byte[] sent in train.Chunk(1420))
            {
                Assert.Equal(sent, await two.Sink.ReceiveAsync(Cancel));
            }
            Assert.Equal([train.Length], two.Sink.Trains);
            for (int i = 0; i < 1000; i++)
            {
                Assert.Equal(0, two.Transport.Send(1, BitConverter.GetBytes(i), 4));
            }
            for (int i = 0; i < 1000; i++)
            {
                Assert.Equal(i, BitConverter.ToInt32(await one.Sink.ReceiveAsync(Cancel)));
            }
            Assert.Equal((1, 1), (one.Transport.Connections, two.Transport.Connections));
            // Counted once they are handed to the system, which may be after they have arrived.
            for (long start = Stopwatch.GetTimestamp(); one.Transport.Counters.Sent < 44 && Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(10);)
            {
                await Task.Delay(5, Cancel);
            }
            Assert.Equal(44, one.Transport.Counters.Sent);
            Assert.Equal(0, one.Transport.Counters.DroppedWaiting + two.Transport.Counters.DroppedWaiting);
        }
    }

    [Fact]
    public async Task Keys_change_under_traffic_and_nothing_is_lost()
    {
        (SshNode one, SshNode two) = SshNode.Pair(options => options with { RekeyBytes = 1 << 20 });
        await using (one)
        await using (two)
        {
            await one.OpenAsync(two, Cancel);
            byte[] train = RandomNumberGenerator.GetBytes(60_000);
            for (int round = 0; round < 40; round++)
            {
                for (int i = 0; i < 4; i++)
                {
                    Assert.Equal(0, one.Transport.Send(2, train, 1000));
                    Assert.Equal(0, two.Transport.Send(1, train, 1000));
                }
                for (int i = 0; i < 240; i++)
                {
                    await two.Sink.ReceiveAsync(Cancel);
                    await one.Sink.ReceiveAsync(Cancel);
                }
            }
            Assert.Equal((0, 0), (one.Transport.Counters.DroppedWaiting, two.Transport.Counters.DroppedWaiting));
            Assert.True(one.Transport.IsOpen(2));
            Assert.Equal(1, one.Transport.Counters.Opened);
            Assert.True(one.Transport.Counters.Rekeys >= 5 && two.Transport.Counters.Rekeys >= 5);
        }
    }

    [Fact]
    public async Task A_stream_that_carries_nothing_any_more_is_given_up_within_seconds()
    {
        FakeTimeProvider time = new();
        await using TcpRelay relay = new();
        await using SshNode one = new(1, change: o => o with { Time = time }), two = new(2, change: o => o with { Time = time });
        relay.Target = two.Transport.Port;
        one.Transport.SetPeers([two.AsPeer(new IPEndPoint(IPAddress.Loopback, relay.Port))]);
        two.Transport.SetPeers([one.AsPeer()]);
        await one.OpenAsync(two, Cancel);
        relay.Silent = true;
        Assert.Equal(0, one.Transport.Send(2, [1], 1));
        await AdvanceAsync(time, 4.5);
        Assert.True(one.Transport.IsOpen(2));
        await AdvanceAsync(time, 1.5);
        await one.Sink.WaitAsync(2, false, Cancel);
        Assert.Equal(1, one.Transport.Counters.Silent);
        // The other one has nothing to send: it notices by its own heart.
        await AdvanceAsync(time, 15);
        await two.Sink.WaitAsync(1, false, Cancel);
    }

    [Fact]
    public async Task A_connection_without_datagrams_is_closed_after_a_while_and_heartbeats_do_not_count()
    {
        FakeTimeProvider time = new();
        (SshNode one, SshNode two) = SshNode.Pair(o => o with { Time = time, IdleLimit = TimeSpan.FromSeconds(40) });
        await using (one)
        await using (two)
        {
            await one.OpenAsync(two, Cancel);
            await AdvanceAsync(time, 30, one, two);
            one.Transport.Send(2, [1], 1);
            await two.Sink.ReceiveAsync(Cancel);
            await AdvanceAsync(time, 30, one, two);
            Assert.True(one.Transport.IsOpen(2) && two.Transport.IsOpen(1));
            await AdvanceAsync(time, 11, one, two);
            await one.Sink.WaitAsync(2, false, Cancel);
            await two.Sink.WaitAsync(1, false, Cancel);
            await SshNode.UntilAsync(() => one.Transport.Connections == 0 && two.Transport.Connections == 0, Cancel);
            Assert.Equal((0, 0), (one.Transport.Counters.Silent, two.Transport.Counters.Silent));
        }
    }

    [Fact]
    public async Task A_peer_that_does_not_read_holds_up_nobody_and_the_oldest_is_dropped()
    {
        (SshNode one, SshNode two) = SshNode.Pair();
        await using (one)
        await using (two)
        {
            await one.OpenAsync(two, Cancel);
            two.Sink.Gate.Reset();
            byte[] train = new byte[40 * 1400];
            long longest = 0;
            int number = 0;
            for (; one.Transport.Counters.DroppedWaiting == 0 || number % 50 != 0; number++)
            {
                BinaryPrimitives.WriteInt32BigEndian(train, number);
                long start = Stopwatch.GetTimestamp();
                Assert.Equal(0, one.Transport.Send(2, train, 1400));
                longest = Math.Max(longest, Stopwatch.GetTimestamp() - start);
                Assert.True(number < 20_000);
            }
            Assert.True(one.Transport.Counters.DroppedWaiting % 40 == 0);
            two.Sink.Gate.Set();
            int last = -1, received = 0;
            while (last < number - 1)
            {
                byte[] datagram = await two.Sink.ReceiveAsync(Cancel);
                received++;
                if ((received - 1) % 40 == 0)
                {
                    int now = BinaryPrimitives.ReadInt32BigEndian(datagram);
                    Assert.True(now > last);
                    last = now;
                }
            }
            // The newest came through; what is missing was counted.
            for (; received % 40 != 0; received++)
            {
                await two.Sink.ReceiveAsync(Cancel);
            }
            Assert.Equal(number * 40L, received + one.Transport.Counters.DroppedWaiting);
        }
    }

    [Fact]
    public async Task Strangers_are_bounded_and_keep_no_member_out()
    {
        FakeTimeProvider time = new();
        (SshNode one, SshNode two) = SshNode.Pair(o => o with { Time = time, StrangersPerAddress = 4 });
        List<Socket> strangers = [];
        await using (one)
        await using (two)
        {
            for (int i = 0; i < 12; i++)
            {
                Socket stranger = new(SocketType.Stream, ProtocolType.Tcp);
                strangers.Add(stranger);
                await stranger.ConnectAsync(IPAddress.Loopback, two.Transport.Port, Cancel);
                await SshNode.UntilAsync(() => two.Transport.Counters.Accepted == i + 1, Cancel);
                time.Advance(TimeSpan.FromMilliseconds(50));
            }
            await SshNode.UntilAsync(() => two.Transport.Strangers == 12, Cancel);
            time.Advance(TimeSpan.FromSeconds(2));
            await one.OpenAsync(two, Cancel);
            await SshNode.UntilAsync(() => two.Transport.Strangers == 3 && two.Transport.Counters.Cut == 9, Cancel);
            await AdvanceAsync(time, 9);
            // Who never spoke has had its ten seconds.
            await SshNode.UntilAsync(() => two.Transport.Strangers == 0 && two.Transport.Counters.Refused == 12, Cancel);
            Assert.True(two.Transport.IsOpen(1));
        }
        strangers.ForEach(s => s.Dispose());
    }

    [Fact]
    public async Task Strangers_that_talk_nonsense_or_not_at_all_are_counted_and_disturb_no_member()
    {
        (SshNode one, SshNode two) = SshNode.Pair();
        await using (one)
        await using (two)
        {
            await one.OpenAsync(two, Cancel);
            byte[] noise = RandomNumberGenerator.GetBytes(70_000);
            byte[][] openings =
            [
                [], "GET / HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray(), [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3], noise, new byte[70_000], "SSH-2.0-x\r\n"u8.ToArray(), [.. "SSH-2.0-x\r\n"u8, .. noise],
                [.. "SSH-2.0-x\r\n"u8, 0, 0, 0, 12, 10, SshMessage.Disconnect, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            ];
            int number = 0;
            foreach (byte[] opening in openings)
            {
                using Socket stranger = new(SocketType.Stream, ProtocolType.Tcp);
                await stranger.ConnectAsync(IPAddress.Loopback, two.Transport.Port, Cancel);
                try
                {
                    await stranger.SendAsync(opening, Cancel);
                }
                catch (SocketException)
                {
                    // It was cut already.
                }

                for (int i = 0; i < 100; i++, number++)
                {
                    Assert.Equal(0, one.Transport.Send(2, BitConverter.GetBytes(number), 4));
                    Assert.Equal(number, BitConverter.ToInt32(await two.Sink.ReceiveAsync(Cancel)));
                }
            }

            await SshNode.UntilAsync(() => two.Transport.Counters.Refused == openings.Length && two.Transport.Strangers == 0, Cancel);
            Assert.Equal((1, 0), (two.Transport.Connections, one.Transport.Counters.DroppedWaiting));
        }
    }

    [Fact]
    public async Task Handshakes_of_one_address_are_bounded_in_their_rate()
    {
        FakeTimeProvider time = new();
        await using SshNode node = new(1, change: o => o with { Time = time });
        List<Socket> strangers = [];
        for (int i = 0; i < 9; i++)
        {
            Socket stranger = new(SocketType.Stream, ProtocolType.Tcp);
            strangers.Add(stranger);
            await stranger.ConnectAsync(IPAddress.Loopback, node.Transport.Port, Cancel);
        }
        await SshNode.UntilAsync(() => node.Transport.Counters.Accepted == 9 && node.Transport.Counters.Refused == 4, Cancel);
        Assert.Equal(5, node.Transport.Strangers);
        strangers.ForEach(s => s.Dispose());
    }

    [Fact]
    public async Task A_port_in_use_is_named()
    {
        await using SshNode one = new(1);
        TcpPortException e = Assert.Throws<TcpPortException>(() => new SshNode(2, change: o => o with { Port = one.Transport.Port }));
        Assert.Equal((SocketError.AddressAlreadyInUse, one.Transport.Port), (e.Error, e.Port));
        Assert.Contains($"TCP port {one.Transport.Port} is in use", e.Message, StringComparison.Ordinal);
        Assert.EndsWith("or choose another port.", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stopping_tells_the_peers_and_frees_the_port()
    {
        (SshNode one, SshNode two) = SshNode.Pair();
        await using (one)
        {
            await one.OpenAsync(two, Cancel);
            int port = two.Transport.Port;
            long start = Stopwatch.GetTimestamp();
            await two.DisposeAsync();
            await two.DisposeAsync();
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(5));
            await one.Sink.WaitAsync(2, false, Cancel);
            await using SshNode next = new(3, change: o => o with { Port = port });
            Assert.Equal(port, next.Transport.Port);
        }
    }

    [Fact]
    public async Task Sending_allocates_nothing()
    {
        (SshNode one, SshNode two) = SshNode.Pair();
        await using (one)
        await using (two)
        {
            await one.OpenAsync(two, Cancel);
            byte[] train = new byte[40 * 1400];
            two.Sink.Gate.Reset();
            while (one.Transport.Counters.DroppedWaiting == 0)
            {
                one.Transport.Send(2, train, 1400);
            }
            two.Sink.Gate.Set();
            // Packets are made until there are as many as queues and writers hold at once, and none after that.
            long allocated = -1;
            for (int pass = 0; pass < 20 && allocated != 0; pass++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                for (int i = 0; i < 200; i++)
                {
                    one.Transport.Send(2, train, 1400);
                }
                allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            }
            Assert.Equal(0, allocated);
        }
    }

    // In the steps of the timers, and no further before heartbeats have been answered at those whose time it is and that can answer.
    private static async Task AdvanceAsync(FakeTimeProvider time, double seconds, params SshNode[] answering)
    {
        for (double passed = 0; passed < seconds; passed += 0.25)
        {
            time.Advance(TimeSpan.FromSeconds(0.25));
            await SshNode.UntilAsync(() => !Array.Exists(answering, n => n.Transport.IsHeartbeatOut), Cancel);
        }
    }
}
