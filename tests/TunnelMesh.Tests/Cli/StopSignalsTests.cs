using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Cli.Hosting;

namespace TunnelMesh.Tests.Cli;

public sealed class StopSignalsTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void The_first_ends_in_order_what_comes_within_a_second_is_the_same_one_and_later_ones_end_at_once()
    {
        using CancellationTokenSource stop = new();
        StopSignals signals = new(stop, _time);
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.False(stop.IsCancellationRequested);
        Assert.True(signals.Take());
        Assert.True(stop.IsCancellationRequested);
        // However many: they do not put off the end of the second.
        for (int i = 0; i < 9; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            Assert.True(signals.Take());
        }
        _time.Advance(TimeSpan.FromMilliseconds(99));
        Assert.True(signals.Take());
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.False(signals.Take());
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.False(signals.Take());
    }

    [Fact]
    public void An_end_that_something_else_asked_for_is_no_signal()
    {
        using CancellationTokenSource stop = new();
        StopSignals signals = new(stop, _time);
        stop.Cancel();
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.True(signals.Take());
    }
}
