using TunnelMesh.Node.Birthday;

namespace TunnelMesh.Tests.Birthday;

public sealed class HuntTests
{
    private const long Frequency = 10_000_000;

    [Fact]
    public void Every_port_from_1024_on_comes_once_and_then_none()
    {
        var chance = new Random(1);
        var ports = new HuntPorts(chance.NextBytes);
        HashSet<ushort> seen = [];
        while (ports.TryTake(out ushort port))
        {
            Assert.True(seen.Add(port), $"{port} came twice");
        }

        Assert.Equal(64_512, seen.Count);
        Assert.Equal((1024, 65535), (seen.Min(), seen.Max()));
        Assert.False(ports.TryTake(out _));
    }

    [Fact]
    public void The_order_is_left_to_chance()
    {
        // The mean of 2,000 even draws is within five standard errors of the middle.
        var chance = new Random(2);
        var ports = new HuntPorts(chance.NextBytes);
        double sum = 0;
        for (int i = 0; i < 2000; i++)
        {
            Assert.True(ports.TryTake(out ushort port));
            sum += port;
        }

        Assert.InRange(sum / 2000, 33_280 - (5 * 18_623 / Math.Sqrt(2000)), 33_280 + (5 * 18_623 / Math.Sqrt(2000)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void However_late_a_thread_is_no_second_has_more_than_200_probes(int seed)
    {
        var chance = new Random(seed);
        var pace = new HuntPace(Frequency);
        List<long> sent = [];
        for (long now = 0; now < 20 * Frequency;)
        {
            while (pace.TryTake(now))
            {
                sent.Add(now);
            }

            // On time, a little late, or away for a quarter of a second.
            now = Math.Max(now + 1, pace.Due) + (chance.Next(20) switch { 0 => chance.Next((int)Frequency / 4), < 10 => chance.Next((int)Frequency / 100), _ => 0 });
        }

        for (int i = 200; i < sent.Count; i++)
        {
            Assert.True(sent[i] - sent[i - 200] >= Frequency, $"201 probes within {(sent[i] - sent[i - 200]) * 1000 / Frequency} ms");
        }

        Assert.InRange(sent.Count, 20 * 100, 20 * 200);
    }

    [Fact]
    public void A_thread_that_wakes_every_six_milliseconds_still_sends_196_a_second()
    {
        var pace = new HuntPace(Frequency);
        int sent = 0;
        for (long now = 0; now < 10 * Frequency; now += 6 * Frequency / 1000)
        {
            while (pace.TryTake(now))
            {
                sent++;
            }
        }

        Assert.InRange(sent, 1950, 1964);
    }

    [Fact]
    public void One_hunts_at_a_time_two_open_sockets_and_a_turn_that_is_not_given_back_ends()
    {
        var turns = new BirthdayTurns(TimeProvider.System);
        object a = new(), b = new(), c = new();
        long late = (long)(BirthdayTiming.Limit.TotalSeconds + 1) * TimeProvider.System.TimestampFrequency;
        Assert.True(turns.TryHunt(a, 0));
        Assert.False(turns.TryHunt(b, 0));
        Assert.True(turns.TryProbe(a, 0, out _));
        Assert.False(turns.TryProbe(b, 0, out _));
        turns.EndHunt(b);
        Assert.False(turns.TryHunt(b, late - 1));
        turns.EndHunt(a);
        Assert.True(turns.TryHunt(b, 0));
        Assert.False(turns.TryHunt(c, late - 1));
        Assert.True(turns.TryHunt(c, late));

        Assert.True(turns.TryAttempt(a, 0));
        Assert.True(turns.TryAttempt(b, 0));
        Assert.False(turns.TryAttempt(c, 0));
        turns.EndAttempt(a);
        Assert.True(turns.TryAttempt(c, 0));
    }
}
