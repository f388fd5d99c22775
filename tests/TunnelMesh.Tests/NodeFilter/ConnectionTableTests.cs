using TunnelMesh.Node.Filter;
using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Tests.NodeFilter;

public class ConnectionTableTests
{
    private readonly ConnectionTable _table = new(new FlowSecret(0x9E3779B97F4A7C15, 0xD1B54A32D192ED03, 0x8CB92BA72F3D8DD7, 0xAAAAAAAAAAAAAAAB), 1);
    private readonly FilterPeer _nas = Peer("nas"), _other = Peer("other");

    [Fact]
    public void A_device_has_its_share_and_pushes_out_only_its_own()
    {
        for (uint i = 0; i < 1000; i++)
        {
            Assert.True(_table.TryBegin(Key(i, 2), _nas, ConnectionFlags.Ours, 0));
        }

        for (uint i = 0; i < 200_000; i++)
        {
            _table.TryBegin(Key(i, 3), _other, ConnectionFlags.None, 1);
            Assert.InRange(_other.Connections, 0, ConnectionLimits.OfPeer);
        }

        Assert.Equal(ConnectionLimits.OfPeer, _other.Connections);
        Assert.Equal(1000, _nas.Connections);
        Assert.All(Enumerable.Range(0, 1000), i => Assert.True(Has(Key((uint)i, 2), _nas, 2)));
        Assert.True(_table.PushedOut >= 200_000 - ConnectionLimits.OfPeer);
        Assert.True(_other.HasPushedOut(2));
        Assert.False(_nas.HasPushedOut(2));
        // The newest are there.
        Assert.True(Has(Key(199_999, 3), _other, 2));
    }

    [Fact]
    public void Ten_thousand_connections_of_one_device_all_have_room()
    {
        for (uint i = 0; i < 10_000; i++)
        {
            Assert.True(_table.TryBegin(Key(i, 2), _nas, ConnectionFlags.Ours, 0));
        }

        Assert.InRange(Enumerable.Range(0, 10_000).Count(i => Has(Key((uint)i, 2), _nas, 1)), 9_995, 10_000);
    }

    [Fact]
    public void A_table_that_is_full_takes_the_newest_and_counts_right()
    {
        FilterPeer[] peers = [.. Enumerable.Range(0, 8).Select(i => Peer($"peer-{i}"))];
        for (uint i = 0; i < 200_000; i++)
        {
            // All of them within the time that they are kept.
            Assert.True(_table.TryBegin(Key(i, 2), peers[i % 8], ConnectionFlags.Ours, i / 1000));
            Assert.True(Has(Key(i, 2), peers[i % 8], i / 1000));
        }

        Assert.InRange(peers.Sum(p => p.Connections), ConnectionLimits.All * 9 / 10, ConnectionLimits.All);
        _table.Sweep(1_000_000);
        Assert.Equal(0, peers.Sum(p => p.Connections));
    }

    [Fact]
    public void Where_one_device_has_most_places_it_gives_one_to_another()
    {
        FilterPeer[] crowd = [.. Enumerable.Range(0, 5).Select(i => Peer($"crowd-{i}"))];
        for (uint i = 0; i < 100_000; i++)
        {
            _table.TryBegin(Key(i, 3), crowd[i % 5], ConnectionFlags.None, 0);
        }

        // The table is full; what begins now are few flows of one device, and all of them stay.
        for (uint i = 0; i < 1000; i++)
        {
            Assert.True(_table.TryBegin(Key(i, 2), _nas, ConnectionFlags.Ours, 1));
        }

        Assert.InRange(Enumerable.Range(0, 1000).Count(i => Has(Key((uint)i, 2), _nas, 1)), 990, 1000);
    }

    [Fact]
    public void An_open_tcp_connection_outlives_what_is_easy_to_begin_anew()
    {
        FlowKey tcp = Key(1, 2) with { Protocol = IpProtocol.Tcp };
        _table.TryBegin(tcp, _nas, ConnectionFlags.Ours | ConnectionFlags.Answered, 0);
        for (uint i = 0; i < 100_000; i++)
        {
            _table.TryBegin(Key(i, 2), _nas, ConnectionFlags.Ours, 10);
        }

        Assert.True(Has(tcp, _nas, 10));
    }

    [Fact]
    public void What_has_ended_makes_room_before_anything_else()
    {
        for (uint i = 0; i < ConnectionLimits.OfPeer; i++)
        {
            _table.TryBegin(Key(i, 2), _nas, ConnectionFlags.Ours, 0);
        }

        long pushedOut = _table.PushedOut;
        _table.Sweep(301);
        Assert.Equal(0, _nas.Connections);
        for (uint i = 0; i < 5_000; i++)
        {
            Assert.True(_table.TryBegin(Key(i, 3), _nas, ConnectionFlags.Ours, 302));
        }

        Assert.Equal(pushedOut, _table.PushedOut);
    }

    [Fact]
    public async Task Threads_that_begin_and_end_connections_leave_the_others_readable()
    {
        for (uint i = 0; i < 500; i++)
        {
            _table.TryBegin(Key(i, 2), _nas, ConnectionFlags.Ours, 0);
        }

        using CancellationTokenSource stop = new();
        Task[] writers = [.. Enumerable.Range(0, 3).Select(w => Task.Run(() =>
        {
            // Each stays below its share and below what fills buckets, so nothing of the others' gives way.
            FilterPeer own = Peer($"writer-{w}");
            for (uint i = 0; !stop.IsCancellationRequested; i++)
            {
                FlowKey key = Key(i % 4_000, (byte)(10 + w));
                _table.TryBegin(key, own, ConnectionFlags.None, 1);
                _table.Advance(key, own, ConnectionFlags.Reset, 1);
            }

            return own.Connections;
        }, TestContext.Current.CancellationToken))];
        int missed = 0, wrong = 0;
        for (int round = 0; round < 400; round++)
        {
            for (uint i = 0; i < 500; i++)
            {
                bool found = _table.TryFind(Key(i, 2), _nas, 1, out FoundConnection connection);
                missed += found ? 0 : 1;
                wrong += found && connection.Flags != ConnectionFlags.Ours ? 1 : 0;
            }
        }

        await stop.CancelAsync();
        await Task.WhenAll(writers);
        Assert.Equal(0, wrong);
        // A writer that the system halts inside a bucket hides it for that long.
        Assert.InRange(missed, 0, 400 * 500 / 100);
        Assert.All(Enumerable.Range(0, 500), i => Assert.True(Has(Key((uint)i, 2), _nas, 1)));
        Assert.Equal(500, _nas.Connections);
    }

    private static FilterPeer Peer(string name) => new(name, name, new CompiledRules([], true));

    private static FlowKey Key(uint number, byte remote) => new(new UInt128(0, 1), new UInt128(0, remote), number, IpProtocol.Udp);

    private bool Has(in FlowKey key, FilterPeer owner, long now) => _table.TryFind(key, owner, now, out _);
}
