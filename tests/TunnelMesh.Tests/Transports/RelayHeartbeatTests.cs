using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.Transports.Relay;

namespace TunnelMesh.Tests.Transports;

public sealed class RelayHeartbeatTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly RelayHeartbeat _heartbeat;

    public RelayHeartbeatTests() => _heartbeat = new RelayHeartbeat(TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(5), _time);

    [Fact]
    public void A_silent_stream_is_asked_after_eight_seconds_and_dead_after_five_more()
    {
        Answered();
        Pass(7.9);
        Assert.Null(_heartbeat.Ask());
        Pass(0.1);
        Assert.NotNull(_heartbeat.Ask());
        Assert.Null(_heartbeat.Ask());
        Pass(4.9);
        Assert.False(_heartbeat.IsDead);
        Pass(0.1);
        Assert.True(_heartbeat.IsDead);
    }

    [Fact]
    public void A_quiet_stream_rests_until_it_must_be_asked_and_not_while_an_answer_is_waited_for()
    {
        Answered();
        Assert.Equal(TimeSpan.FromSeconds(8), _heartbeat.Rest);
        Pass(5);
        Assert.Equal(TimeSpan.FromSeconds(3), _heartbeat.Rest);
        Pass(4);
        Assert.Equal(TimeSpan.Zero, _heartbeat.Rest);
        ulong number = Assert.NotNull(_heartbeat.Ask());
        Assert.Null(_heartbeat.Rest);
        _heartbeat.Prove(number);
        Assert.Equal(TimeSpan.FromSeconds(8), _heartbeat.Rest);
        _heartbeat.Sent();
        Assert.Null(_heartbeat.Rest);
        _heartbeat.Heard();
        Assert.Equal(TimeSpan.FromSeconds(8), _heartbeat.Rest);
    }

    [Fact]
    public void A_stream_that_only_sends_is_asked_after_a_second()
    {
        Answered();
        _heartbeat.Sent();
        Pass(0.9);
        Assert.Null(_heartbeat.Ask());
        Pass(0.1);
        ulong number = Assert.NotNull(_heartbeat.Ask());
        Pass(0.05);
        Assert.Equal(TimeSpan.FromMilliseconds(50), _heartbeat.Prove(number));
        // It sends no more: nothing to ask for.
        _heartbeat.Heard();
        Pass(5);
        Assert.Null(_heartbeat.Ask());
    }

    [Fact]
    public void What_comes_unasked_excuses_a_late_answer_but_not_for_ever()
    {
        Answered();
        Pass(8);
        ulong number = Assert.NotNull(_heartbeat.Ask());
        for (int i = 0; i < 14; i++)
        {
            Pass(1);
            _heartbeat.Heard();
            Assert.False(_heartbeat.IsDead);
        }
        Pass(1);
        Assert.True(_heartbeat.IsDead);
        Assert.NotNull(_heartbeat.Prove(number));
        Assert.False(_heartbeat.IsDead);
    }

    [Fact]
    public void Only_the_newest_answer_counts_and_doubt_has_little_patience()
    {
        ulong first = _heartbeat.Start(), second = _heartbeat.Doubt();
        Assert.Null(_heartbeat.Prove(first));
        Assert.Null(_heartbeat.Prove(second + 1));
        Pass(2);
        Assert.True(_heartbeat.IsDead);
        Assert.NotNull(_heartbeat.Prove(second));
        Assert.Null(_heartbeat.Prove(second));
        Assert.False(_heartbeat.IsDead);
    }

    [Fact]
    public void A_stream_is_silent_when_nothing_has_come_for_a_second_and_a_half_since_it_was_asked()
    {
        Answered();
        Pass(8);
        Assert.Null(_heartbeat.Silence);
        ulong number = Assert.NotNull(_heartbeat.Ask());
        Pass(1.4);
        Assert.Null(_heartbeat.Silence);
        Pass(0.1);
        Assert.Equal(TimeSpan.FromSeconds(9.5), _heartbeat.Silence);
        _heartbeat.Heard();
        Assert.Null(_heartbeat.Silence);
        Pass(1.5);
        Assert.Equal(TimeSpan.FromSeconds(1.5), _heartbeat.Silence);
        _heartbeat.Prove(number);
        Assert.Null(_heartbeat.Silence);
    }

    private void Answered() => Assert.NotNull(_heartbeat.Prove(_heartbeat.Start()));

    private void Pass(double seconds) => _time.Advance(TimeSpan.FromSeconds(seconds));
}
