using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Cli.Hosting;

namespace TunnelMesh.Tests.Cli;

public sealed class HeapKeeperTests
{
    private readonly FakeTimeProvider _time = new();
    private HeapKeeper.State _state = new(Allocated: 10 << 20, Heap: 8 << 20);
    private int _collected;

    private HeapKeeper Start() => new(_time, () => _state, () => _collected++);

    private void Minute(long allocated)
    {
        _state = _state with { Allocated = _state.Allocated + allocated };
        _time.Advance(HeapKeeper.LookEvery);
    }

    [Fact]
    public void What_a_process_allocates_slowly_is_collected_whole_now_and_then()
    {
        using HeapKeeper keeper = Start();
        Minute(HeapKeeper.Enough / 2);
        Assert.Equal(0, _collected);
        Minute(HeapKeeper.Enough / 2);
        Assert.Equal(1, _collected);

        // Counted from the last one on.
        Minute(HeapKeeper.Enough - 1);
        Assert.Equal(1, _collected);
        Minute(1);
        Assert.Equal(2, _collected);
    }

    [Fact]
    public void A_large_heap_is_left_alone()
    {
        _state = _state with { Heap = HeapKeeper.TooLarge };
        using HeapKeeper keeper = Start();
        Minute(HeapKeeper.Enough);
        Assert.Equal(0, _collected);
    }

    [Fact]
    public void Nothing_comes_after_the_end()
    {
        Start().Dispose();
        Minute(HeapKeeper.Enough);
        Assert.Equal(0, _collected);
    }
}
