using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Tests.Noise;

/// <summary>
/// Two devices for hours of virtual time. What a side must never do (accept a packet twice or one that was not sent, use a nonce
/// twice, use a session past 180 s) is asserted where it would happen, in <see cref="SimulatedSide"/>.
/// </summary>
public sealed class WireGuardSimulationTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Sessions_recover_from_loss_mischief_restarts_and_clock_jumps(int seed)
    {
        SimulatedChannel channel = new(seed) { Loss = 0.3, Mischief = 0.1 };
        for (int phase = 0; phase < 60; phase++)
        {
            switch (channel.Next(6))
            {
                case 0:
                    channel.Left.Time.Offset += channel.Between(TimeSpan.FromHours(-9), TimeSpan.FromHours(9));
                    break;
                case 1:
                    channel.Right.Time.Offset = TimeSpan.FromHours(-30);
                    break;
                case 2:
                    channel.Restart(channel.Next(2));
                    break;
                default:
                    break;
            }
            channel.Loss = channel.Next(4) == 0 ? 1 : 0.3;
            int which = channel.Next(4);
            TimeSpan pause = channel.Between(Tick, TimeSpan.FromSeconds(5));
            channel.Run(
                channel.Between(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(700)),
                // Silence, the right side alone, the left side alone, both.
                () => (which == 3 ? channel.Next(2) : which & 1, which == 0 ? TimeSpan.FromDays(1) : channel.Between(Tick, pause)));

            // Whatever has been: with a network that loses no more than a third, packets get through again, both ways.
            channel.Loss = 0.3;
            long healed = channel.Now;
            channel.Run(TimeSpan.FromSeconds(100), () => (channel.Next(2), channel.Between(Tick, TimeSpan.FromMilliseconds(500))));
            Assert.True(channel.Left.LastReceivedAt > healed && channel.Right.LastReceivedAt > healed, $"no recovery in phase {phase}");
        }
        Assert.All([channel.Left, channel.Right], side =>
        {
            Assert.True(side.Sessions.Count > 30);
            Assert.True(side.Received.Count > 1000);
            Assert.True(side.Opened[OpenResult.Replayed] > 100);
            Assert.True(side.Opened[OpenResult.Forged] > 10);
        });
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(14)]
    [InlineData(15)]
    [InlineData(16)]
    public void A_network_that_loses_nothing_loses_nothing_across_rekeys(int seed)
    {
        SimulatedChannel channel = new(seed, maxWaiting: int.MaxValue) { MaxDelay = TimeSpan.FromMilliseconds(200) };
        for (int round = 0; round < 20; round++)
        {
            // Both sides begin at once, as after a common outage.
            channel.Left.Initiate();
            channel.Right.Initiate();
            channel.Run(TimeSpan.FromSeconds(360), () => (channel.Next(2), channel.Between(Tick, TimeSpan.FromMilliseconds(300))));
        }
        TimeSpan oldest = Max(channel.Left.OldestSealed, channel.Right.OldestSealed);
        channel.Run(TimeSpan.FromSeconds(30), () => (0, TimeSpan.FromDays(1)));
        Assert.Equal(channel.Left.Sent.Count, channel.Right.Received.Count);
        Assert.Equal(channel.Right.Sent.Count, channel.Left.Received.Count);
        Assert.True(channel.Left.Sent.Count > 20_000);
        // The initiator renews with the first packet it sends after 120 s.
        Assert.InRange(oldest, HandshakeClock.RekeyAfter, HandshakeClock.RekeyAfter + TimeSpan.FromSeconds(5));
        Assert.Empty(channel.Left.GiveUps.Concat(channel.Right.GiveUps));
    }

    [Theory]
    [InlineData(21, 0)]
    [InlineData(22, 1)]
    public void Only_the_initiator_renews_and_one_handshake_is_enough_for_two_minutes(int seed, int initiator)
    {
        SimulatedChannel channel = new(seed);
        channel.Run(TimeSpan.FromSeconds(5), () => (initiator, TimeSpan.FromSeconds(1)));
        channel.Run(TimeSpan.FromHours(2), () => (channel.Next(2), channel.Between(Tick, TimeSpan.FromMilliseconds(900))));
        SimulatedSide first = channel.Other(1 - initiator), second = channel.Other(initiator);
        Assert.Equal(0, second.Initiations);
        Assert.InRange(first.Initiations, 58, 61);
    }

    [Fact]
    public void Without_handshakes_a_session_ends_at_180_seconds_and_the_try_at_90()
    {
        SimulatedChannel channel = new(31);
        Func<(int, TimeSpan)> both = () => (channel.Next(2), TimeSpan.FromMilliseconds(250));
        channel.Run(TimeSpan.FromSeconds(10), both);
        channel.Blocks = (_, type) => type is WireGuardMessage.Initiation or WireGuardMessage.Response;
        long cut = channel.Now;
        channel.Run(TimeSpan.FromSeconds(400), both);
        Assert.InRange(Max(channel.Left.OldestSealed, channel.Right.OldestSealed), TimeSpan.FromSeconds(179), TimeSpan.FromSeconds(180));
        Assert.InRange(channel.Time.GetElapsedTime(cut, channel.Left.LastReceivedAt), TimeSpan.FromSeconds(165), TimeSpan.FromSeconds(181));
        Assert.NotEmpty(channel.Left.GiveUps);
        Assert.NotEmpty(channel.Right.GiveUps);
        // At least 5 s apart.
        Assert.InRange(channel.Left.Initiations, 40, 81);

        channel.Blocks = (_, _) => false;
        long healed = channel.Now;
        channel.Run(TimeSpan.FromSeconds(15), both);
        Assert.True(channel.Left.LastReceivedAt > healed && channel.Right.LastReceivedAt > healed);
    }

    [Fact]
    public void A_peer_that_has_gone_is_given_up_after_90_seconds_and_not_asked_again()
    {
        SimulatedChannel channel = new(41) { Loss = 1 };
        long start = channel.Now;
        bool sent = false;
        channel.Run(TimeSpan.FromSeconds(600), () =>
        {
            TimeSpan after = sent ? TimeSpan.FromDays(1) : TimeSpan.Zero;
            sent = true;
            return (0, after);
        });
        TimeSpan after = channel.Time.GetElapsedTime(start, Assert.Single(channel.Left.GiveUps));
        Assert.InRange(after, TimeSpan.FromSeconds(90), TimeSpan.FromSeconds(96));
        Assert.InRange(channel.Left.Initiations, 16, 18);
    }

    [Theory]
    [InlineData(-8)]
    [InlineData(8)]
    public void A_wall_clock_that_jumps_costs_no_session(int hours)
    {
        SimulatedChannel channel = new(51, maxWaiting: int.MaxValue);
        Func<(int, TimeSpan)> both = () => (channel.Next(2), TimeSpan.FromMilliseconds(100));
        channel.Run(TimeSpan.FromSeconds(60), both);
        channel.Left.Time.Offset = TimeSpan.FromHours(hours);
        channel.Right.Time.Offset = TimeSpan.FromHours(-hours);
        channel.Run(TimeSpan.FromHours(1), both);
        // Back again: the labels stay ahead of the clock.
        channel.Left.Time.Offset = channel.Right.Time.Offset = TimeSpan.Zero;
        channel.Run(TimeSpan.FromHours(1), both);
        channel.Run(TimeSpan.FromSeconds(30), () => (0, TimeSpan.FromDays(1)));
        Assert.Equal(channel.Left.Sent.Count, channel.Right.Received.Count);
        Assert.Equal(channel.Right.Sent.Count, channel.Left.Received.Count);
    }

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
