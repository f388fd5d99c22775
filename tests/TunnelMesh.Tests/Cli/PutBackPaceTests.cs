using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Cli.Hosting;

namespace TunnelMesh.Tests.Cli;

public sealed class PutBackPaceTests
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);
    private readonly FakeTimeProvider _time = new();

    // Whoever takes it away does so all the time: each look finds it gone.
    private int PutBackFor(PutBackPace pace, TimeSpan span)
    {
        int times = 0;
        for (DateTimeOffset end = _time.GetUtcNow() + span; _time.GetUtcNow() < end; times++)
        {
            _time.Advance(pace.Wait);
            pace.Note(putBack: true);
        }
        return times;
    }

    [Fact]
    public void The_first_time_it_is_put_back_at_once_and_in_a_quarrel_with_the_longest_pause_between()
    {
        PutBackPace pace = new(Longest, _time);
        Assert.Equal(TimeSpan.Zero, pace.Wait);
        pace.Note(putBack: true);
        Assert.Equal(PutBackPace.First, pace.Wait);
        Assert.False(pace.IsQuarrel);
        Assert.InRange(PutBackFor(pace, TimeSpan.FromMinutes(1)), 60, 65);
        Assert.True(pace.IsQuarrel);
        Assert.Equal(Longest, pace.Wait);
        Assert.InRange(PutBackFor(pace, TimeSpan.FromMinutes(1)), 60, 61);
        Assert.InRange(pace.Times, 120, 127);
    }

    [Fact]
    public void Looks_that_find_all_well_have_a_short_pause_and_end_no_quarrel_before_a_minute_has_passed()
    {
        PutBackPace pace = new(Longest, _time);
        pace.Note(putBack: false);
        Assert.Equal((PutBackPace.First, 0), (pace.Wait, pace.Times));
        _time.Advance(PutBackPace.First / 2);
        Assert.Equal(PutBackPace.First / 2, pace.Wait);
        PutBackFor(pace, TimeSpan.FromSeconds(10));
        _time.Advance(PutBackPace.Calm / 2);
        pace.Note(putBack: false);
        Assert.Equal(PutBackPace.First, pace.Wait);
        Assert.True(pace.IsQuarrel);
        pace.Note(putBack: true);
        Assert.Equal(Longest, pace.Wait);
        _time.Advance(PutBackPace.Calm);
        Assert.Equal(TimeSpan.Zero, pace.Wait);
        Assert.False(pace.IsQuarrel);
        pace.Note(putBack: true);
        Assert.Equal(PutBackPace.First, pace.Wait);
        Assert.False(pace.IsQuarrel);
    }
}
