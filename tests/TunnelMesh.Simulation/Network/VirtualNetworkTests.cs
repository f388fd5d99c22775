using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Simulation.Network;

public sealed class VirtualNetworkTests
{
    private const ushort Port = 4000;
    private readonly VirtualWorld _world = new(1);
    private readonly VirtualNetwork _network;
    private readonly Host _a, _b;
    private readonly List<(TimeSpan At, Datagram Datagram)> _got = [];

    public VirtualNetworkTests()
    {
        _network = new VirtualNetwork(_world);
        _a = new Host(_network, "192.0.2.1", "2001:db8::1");
        _b = new Host(_network, "192.0.2.2", "2001:db8::2");
        _b.Listen(Port, d => _got.Add((_world.Now, d)));
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.2")]
    [InlineData("2001:db8::1", "2001:db8::2")]
    public void A_datagram_takes_the_latency_of_both_links_and_tells_its_source(string from, string to)
    {
        _a.Link.Up.Conditions = new LinkConditions { Latency = TimeSpan.FromMilliseconds(7) };
        _b.Link.Down.Conditions = new LinkConditions { Latency = TimeSpan.FromMilliseconds(30) };
        Assert.True(_a.Send(1000, NetAddress.Parse(to).At(Port), [1, 2, 3]));
        _world.Run(TimeSpan.FromSeconds(1));
        (TimeSpan at, Datagram datagram) = Assert.Single(_got);
        Assert.Equal(TimeSpan.FromMilliseconds(37), at);
        Assert.Equal(NetAddress.Parse(from).At(1000), datagram.Source);
        Assert.Equal([1, 2, 3], datagram.Bytes);
        Assert.Equal(1, _network[Fate.Arrived]);
    }

    [Fact]
    public void A_host_without_an_address_of_the_family_cannot_send()
    {
        var single = new Host(_network, "192.0.2.3");
        Assert.False(single.Send(1, NetAddress.Parse("2001:db8::2").At(Port), [1]));
    }

    [Fact]
    public void Nobody_gets_what_is_for_nobody()
    {
        Send("192.0.2.99", Port);
        Send("192.0.2.2", Port + 1);
        _world.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(1, _network[Fate.NoSuchAddress]);
        Assert.Equal(1, _network[Fate.NoSuchPort]);
    }

    [Fact]
    public void Loss_and_duplication_come_near_their_probabilities()
    {
        _a.Link.Up.Conditions = new LinkConditions { Loss = 0.3, Duplication = 0.1 };
        for (int i = 0; i < 10_000; i++)
        {
            Send("192.0.2.2", Port);
        }

        _world.Run(TimeSpan.FromSeconds(1));
        Assert.InRange(_network[Fate.Lost], 2800, 3200);
        Assert.InRange(_network[Fate.Arrived], 7400, 8000);
    }

    [Fact]
    public void Without_jitter_order_is_kept_and_with_reordering_it_is_not()
    {
        for (byte i = 0; i < 200; i++)
        {
            _a.Send(1, NetAddress.Parse("192.0.2.2").At(Port), [i]);
        }

        _world.Run(TimeSpan.FromSeconds(1));
        byte[] order = [.. _got.Select(g => g.Datagram.Bytes[0])];
        Assert.Equal(order.Order(), order);

        _got.Clear();
        _a.Link.Up.Conditions = new LinkConditions { Reordering = 0.2 };
        for (byte i = 0; i < 200; i++)
        {
            _a.Send(1, NetAddress.Parse("192.0.2.2").At(Port), [i]);
        }

        _world.Run(TimeSpan.FromSeconds(1));
        order = [.. _got.Select(g => g.Datagram.Bytes[0])];
        Assert.Equal(200, order.Length);
        Assert.NotEqual(order.Order(), order);
    }

    [Theory]
    [InlineData("192.0.2.2", 1472)]
    [InlineData("2001:db8::2", 1452)]
    public void What_is_larger_than_the_MTU_vanishes(string to, int largest)
    {
        _a.Send(1, NetAddress.Parse(to).At(Port), new byte[largest]);
        _a.Send(1, NetAddress.Parse(to).At(Port), new byte[largest + 1]);
        _world.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(largest, Assert.Single(_got).Datagram.Bytes.Length);
        Assert.Equal(1, _network[Fate.TooLarge]);
    }

    [Fact]
    public void A_link_of_limited_bandwidth_spreads_a_burst_and_drops_what_waits_too_long()
    {
        // 1000 bytes on the wire each, at 100 kB/s: 10 ms each, and 200 ms of queue hold 20 behind the first.
        _a.Link.Up.Conditions = new LinkConditions { BytesPerSecond = 100_000, Latency = TimeSpan.Zero };
        _b.Link.Down.Conditions = new LinkConditions { Latency = TimeSpan.Zero };
        for (int i = 0; i < 30; i++)
        {
            _a.Send(1, NetAddress.Parse("192.0.2.2").At(Port), new byte[972]);
        }

        _world.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(21, _got.Count);
        Assert.Equal(9, _network[Fate.QueueFull]);
        Assert.Equal(TimeSpan.FromMilliseconds(210), _got[^1].At);
    }

    [Fact]
    public void A_cut_is_one_way_and_a_partition_both_ways()
    {
        List<Datagram> back = [];
        _a.Listen(Port, back.Add);
        UdpEndpoint toA = NetAddress.Parse("192.0.2.1").At(Port);
        _network.Cut(_a.Addresses[0], _b.Addresses[0]);
        Send("192.0.2.2", Port);
        _b.Send(1, toA, [1]);
        _world.Run(TimeSpan.FromSeconds(1));
        Assert.Empty(_got);
        Assert.Single(back);

        _network.MendAll();
        _network.Partition([.. _a.Addresses]);
        Send("192.0.2.2", Port);
        _b.Send(1, toA, [1]);
        _world.Run(TimeSpan.FromSeconds(1));
        Assert.Empty(_got);
        Assert.Single(back);

        _network.MendAll();
        Send("192.0.2.2", Port);
        _world.Run(TimeSpan.FromSeconds(1));
        Assert.Single(_got);
    }

    [Fact]
    public void A_host_that_changes_its_address_gets_nothing_at_the_old_one()
    {
        Send("192.0.2.2", Port);
        _b.ChangeAddress(_b.Addresses[0], NetAddress.Parse("198.51.100.2"));
        _world.Run(TimeSpan.FromSeconds(1));
        Assert.Empty(_got);
        Send("198.51.100.2", Port);
        _world.Run(TimeSpan.FromSeconds(1));
        Assert.Single(_got);
        Assert.Equal("198.51.100.2", _b.Addresses[0].ToString());
    }

    [Fact]
    public void The_wall_clock_can_be_set_while_timestamps_run_on()
    {
        long before = _a.Clock.GetTimestamp();
        DateTimeOffset wall = _a.Clock.GetUtcNow();
        _a.Clock.WallOffset = TimeSpan.FromDays(-1);
        _world.Run(TimeSpan.FromSeconds(2));
        Assert.Equal(TimeSpan.FromSeconds(2), _a.Clock.GetElapsedTime(before));
        Assert.Equal(wall.AddDays(-1).AddSeconds(2), _a.Clock.GetUtcNow());
        Assert.NotEqual(_a.Clock.GetTimestamp(), _b.Clock.GetTimestamp());
    }

    [Fact]
    public void The_same_seed_gives_the_same_run_and_another_seed_another()
    {
        Assert.Equal(Trace(7), Trace(7));
        Assert.NotEqual(Trace(7), Trace(8));
    }

    private static string Trace(int seed)
    {
        var world = new VirtualWorld(seed);
        var network = new VirtualNetwork(world);
        var a = new Host(network, "192.0.2.1");
        var b = new Host(network, "192.0.2.2");
        a.Link.Set(new LinkConditions { Loss = 0.3, Jitter = TimeSpan.FromMilliseconds(20), Duplication = 0.2, Reordering = 0.1 });
        List<string> trace = [];
        b.Listen(Port, d => trace.Add($"{world.Now.Ticks} {d.Bytes[0]}"));
        for (byte i = 0; i < 100; i++)
        {
            a.Send(1, b.Addresses[0].At(Port), [i]);
        }

        world.Run(TimeSpan.FromSeconds(1));
        return string.Join('\n', trace);
    }

    private void Send(string to, int port) => _a.Send(1000, NetAddress.Parse(to).At((ushort)port), [9]);
}
