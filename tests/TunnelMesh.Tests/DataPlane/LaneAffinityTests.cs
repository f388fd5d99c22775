using TunnelMesh.Node.DataPlane;

namespace TunnelMesh.Tests.DataPlane;

public sealed class LaneAffinityTests : IDisposable
{
    // Timestamps are milliseconds.
    private const int Period = 100;

    private readonly ScriptedScheduling _schedule = new();
    private readonly LaneAffinity _affinity;
    private long _now = 5000;

    public LaneAffinityTests()
    {
        _affinity = new LaneAffinity(_schedule, 1000);
        _affinity.Notice(_now);
    }

    public void Dispose() => _schedule.Dispose();

    [Fact]
    public void A_busy_thread_stays_and_a_quiet_one_roams()
    {
        Assert.Equal((LaneAffinity.None, long.MaxValue, true), (_affinity.Processor, _affinity.Deadline, _affinity.MayStay));
        Pass(ran: 29, waited: 0);
        Assert.Equal(0, _schedule.Stays);
        Pass(ran: 31, waited: 10);
        Assert.Equal((3, 1, 0), (_affinity.Processor, _schedule.Stays, _schedule.Roams));
        // Somebody has to look when nothing comes any more.
        Assert.Equal(_now + Period, _affinity.Deadline);
        Pass(ran: 80, waited: 20);
        Assert.Equal((3, 1, 0), (_affinity.Processor, _schedule.Stays, _schedule.Roams));
        // What it asks for counts, not what it gets; and a little less is no reason to let go.
        Pass(ran: 15, waited: 6);
        Assert.Equal((3, 1, 0), (_affinity.Processor, _schedule.Stays, _schedule.Roams));
        Pass(ran: 2, waited: 0);
        Assert.Equal((LaneAffinity.None, 1, 1), (_affinity.Processor, _schedule.Stays, _schedule.Roams));
        Pass(ran: 60, waited: 0);
        Assert.Equal((3, 2, 1), (_affinity.Processor, _schedule.Stays, _schedule.Roams));
    }

    [Fact]
    public void Nothing_is_read_between_two_looks()
    {
        int looks = _schedule.Looks;
        for (int i = 0; i < Period; i++)
        {
            _affinity.Notice(_now + i);
        }

        Assert.Equal(looks, _schedule.Looks);
    }

    [Fact]
    public void A_thread_that_slept_for_long_is_not_called_busy_by_what_it_did_before()
    {
        _now += 60_000;
        Pass(ran: 100, waited: 0);
        Assert.Equal(LaneAffinity.None, _affinity.Processor);
    }

    [Theory]
    [InlineData(50, 50)]
    [InlineData(30, 70)]
    public void Where_it_has_to_wait_much_it_roams_for_the_longer_the_more_often(int ran, int waited)
    {
        List<long> pauses = [];
        long roamed = 0;
        for (int looks = 0; looks < 2000; looks++)
        {
            (int stays, int roams) = (_schedule.Stays, _schedule.Roams);
            Pass(ran, waited);
            if (_schedule.Stays > stays && roamed != 0)
            {
                pauses.Add(_now - roamed);
            }

            roamed = _schedule.Roams > roams ? _now : roamed;
        }

        Assert.Equal([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000], pauses.Take(9));
        // Once it goes well, the next time counts as the first.
        while (_affinity.Processor == LaneAffinity.None)
        {
            Pass(ran: 90, waited: 10);
        }

        for (int i = 0; i < 101; i++)
        {
            Pass(ran: 90, waited: 10);
        }

        Assert.Equal(3, _affinity.Processor);
        Pass(ran: 50, waited: 50);
        Assert.Equal(LaneAffinity.None, _affinity.Processor);
        Pass(ran: 50, waited: 50);
        Assert.Equal(3, _affinity.Processor);
    }

    [Fact]
    public void Now_and_then_it_roams_in_any_case_so_that_the_scheduler_can_place_it_anew()
    {
        for (int i = 0; i < 101; i++)
        {
            Pass(ran: 90, waited: 5);
        }

        Assert.Equal((LaneAffinity.None, 1, 1), (_affinity.Processor, _schedule.Stays, _schedule.Roams));
        _schedule.Processor = 1;
        Pass(ran: 90, waited: 5);
        Assert.Equal((1, 2, 1), (_affinity.Processor, _schedule.Stays, _schedule.Roams));
    }

    [Fact]
    public void Threads_begun_meanwhile_are_freed_each_second_and_at_the_end()
    {
        Pass(ran: 90, waited: 0);
        for (int i = 0; i < 25; i++)
        {
            Assert.Equal(i / 10, _schedule.Frees);
            Pass(ran: 90, waited: 0);
        }

        Pass(ran: 0, waited: 0);
        Assert.Equal(3, _schedule.Frees);
        // Once more for what those that were freed had just begun, though nothing else happens; then there is no hurry.
        Assert.Equal(_now + 1000, _affinity.Deadline);
        _now = _affinity.Deadline - Period;
        Pass(ran: 0, waited: 0);
        Assert.Equal((4, long.MaxValue), (_schedule.Frees, _affinity.Deadline));
        Pass(ran: 0, waited: 0);
        Assert.Equal(4, _schedule.Frees);
    }

    [Fact]
    public void Before_it_stays_elsewhere_what_was_begun_at_the_last_place_is_freed()
    {
        Pass(ran: 90, waited: 0);
        Pass(ran: 0, waited: 0);
        Assert.Equal(1, _schedule.Frees);
        _schedule.Processor = 1;
        Pass(ran: 90, waited: 0);
        Assert.Equal((1, 2), (_affinity.Processor, _schedule.Frees));
    }

    [Fact]
    public void What_somebody_else_has_decided_is_left_alone()
    {
        Pass(ran: 90, waited: 0);
        _schedule.Decided = true;
        Pass(ran: 90, waited: 90);
        Assert.Equal((LaneAffinity.None, long.MaxValue), (_affinity.Processor, _affinity.Deadline));
        AssertGivenUp();
    }

    [Fact]
    public void A_thread_that_may_not_choose_does_not_ask_again()
    {
        _schedule.Processor = null;
        Pass(ran: 90, waited: 0);
        AssertGivenUp();
    }

    [Fact]
    public void Where_times_are_not_told_any_more_it_roams_for_good()
    {
        Pass(ran: 90, waited: 0);
        _schedule.Told = false;
        Pass(ran: 90, waited: 0);
        Assert.Equal((LaneAffinity.None, 1), (_affinity.Processor, _schedule.Roams));
        AssertGivenUp();
    }

    private void AssertGivenUp()
    {
        (int looks, int stays, int roams) = (_schedule.Looks, _schedule.Stays, _schedule.Roams);
        (_schedule.Decided, _schedule.Told, _schedule.Processor) = (false, true, 2);
        for (int i = 0; i < 300; i++)
        {
            Pass(ran: 90, waited: 0);
        }

        Assert.Equal((looks, stays, roams), (_schedule.Looks, _schedule.Stays, _schedule.Roams));
        Assert.Equal((LaneAffinity.None, false), (_affinity.Processor, _affinity.MayStay));
    }

    private void Pass(int ran, int waited)
    {
        _now += Period;
        _schedule.Ran += TimeSpan.FromMilliseconds(ran);
        _schedule.Waited += TimeSpan.FromMilliseconds(waited);
        _affinity.Notice(_now);
    }
}
