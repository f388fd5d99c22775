using System.Buffers;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Coordinator.Relay;
using TunnelMesh.Protocol.Relay;
using TunnelMesh.Tests.Shared;

namespace TunnelMesh.Tests.Coordinator;

public sealed class FairQueueTests
{
    private const int Large = 60_000;
    private readonly FairQueue _queue = new();
    private int _dropped;

    [Fact]
    public void A_calm_source_waits_for_one_turn_of_a_flooding_one_and_no_longer()
    {
        for (int i = 0; i < 100; i++)
        {
            Add(1, Large, (byte)i, long.MaxValue);
        }
        Add(2, 100, 0xcc, long.MaxValue);
        Add(3, 100, 0xdd, long.MaxValue);
        List<UInt128> order = [];
        for (int i = 0; i < 6; i++)
        {
            order.Add(RelayFrame.Device(Take().Array));
        }
        Assert.Equal([1, 1, 2, 3, 1, 1], order);
    }

    [Fact]
    public void Two_that_flood_with_large_and_small_messages_get_equal_bytes()
    {
        for (int i = 0; i < 200; i++)
        {
            Add(1, Large, 1, long.MaxValue);
            for (int j = 0; j < 6; j++)
            {
                // Sizes that differ do not join.
                Add(2, 10_000 + j, 2, long.MaxValue);
            }
        }
        Dictionary<UInt128, long> bytes = new() { [1] = 0, [2] = 0 };
        for (int i = 0; i < 700; i++)
        {
            RelayBuffer message = Take();
            bytes[RelayFrame.Device(message.Array)] += message.Length;
        }
        Assert.InRange(bytes[1] / (double)bytes[2], 0.95, 1.05);
    }

    [Fact]
    public void Beyond_the_limit_the_oldest_of_whoever_has_most_go()
    {
        const long Limit = 1 << 20;
        Add(2, 100, 0xcc, Limit);
        for (int i = 0; i < 100; i++)
        {
            Add(1, Large, (byte)i, Limit);
            Assert.InRange(_queue.Bytes, 1, Limit);
        }
        Add(3, 100, 0xdd, Limit);
        List<byte> flood = [];
        List<UInt128> others = [];
        while (_queue.TryTake(out RelayBuffer message))
        {
            UInt128 source = RelayFrame.Device(message.Array);
            if (source == 1)
            {
                flood.Add(message.Array[20]);
            }
            else
            {
                others.Add(source);
            }
        }
        Assert.Equal([2, 3], others.Order().ToArray());
        Assert.Equal(Enumerable.Range(100 - flood.Count, flood.Count).Select(i => (byte)i), flood);
        Assert.Equal(100, _dropped + flood.Count);
        Assert.True(_queue.IsEmpty);
    }

    [Fact]
    public void A_limit_below_one_message_drops_it_and_the_queue_goes_on()
    {
        Add(1, Large, 1, 10_000);
        Assert.Equal(1, _dropped);
        Assert.True(_queue.IsEmpty);
        Assert.False(_queue.TryTake(out _));
        Add(1, Large, 2, 100_000);
        Assert.Equal(2, Take().Array[20]);
        Add(4, 100, 3, 100_000);
        Add(4, 101, 3, 100_000);
        Assert.Equal(2, _queue.Clear());
        Assert.True(_queue.IsEmpty);
    }

    [Fact]
    public void What_passes_a_queue_in_steady_state_allocates_nothing()
    {
        for (int i = 0; i < 200; i++)
        {
            Pass();
        }
        Assert.Equal(0, Allocations.Least(() =>
        {
            for (int i = 0; i < 1000; i++)
            {
                Pass();
            }
        }));

        void Pass()
        {
            Add(1, Large, 1, 1 << 20);
            Add(2, 200, 2, 1 << 20);
            Add(2, 200, 2, 1 << 20);
            while (_queue.TryTake(out RelayBuffer message))
            {
                message.Return();
            }
        }
    }

    [Fact]
    public void A_budget_comes_back_with_time_and_is_never_more_than_its_burst()
    {
        FakeTimeProvider time = new();
        ByteBudget budget = new(perSecond: 1000, burst: 500, time);
        Assert.True(budget.TryTake(500));
        Assert.False(budget.TryTake(1));
        Assert.False(budget.IsFull);
        time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.True(budget.TryTake(100));
        Assert.False(budget.TryTake(1));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(budget.IsFull);
        Assert.True(budget.TryTake(500));
        Assert.False(budget.TryTake(1));
    }

    private void Add(UInt128 source, int bytes, byte value, long limit)
    {
        byte[] array = ArrayPool<byte>.Shared.Rent(bytes + 20);
        array.AsSpan(20, bytes).Fill(value);
        RelayFrame.WriteHeader(array, source, bytes);
        _dropped += _queue.Add(source, new RelayBuffer(array, bytes + 20), limit, out bool kept);
        if (!kept)
        {
            ArrayPool<byte>.Shared.Return(array);
        }
    }

    private RelayBuffer Take()
    {
        Assert.True(_queue.TryTake(out RelayBuffer message));
        return message;
    }
}
