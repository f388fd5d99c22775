using TunnelMesh.Simulation.Network;
using TunnelMesh.Simulation.Peers;

namespace TunnelMesh.Simulation.Scenarios;

/// <summary>Every pair reaches each other at once over the relay, directly where the networks allow it, and changes paths without losing anything.</summary>
public sealed class ReachingTests
{
    private const int Runs = 100;

    /// <summary>The situations of both, and whether a direct path has to come about.</summary>
    public static TheoryData<string, string, bool> Situations => new()
    {
        { "Open", "Open", true }, { "Open", "Easy", true }, { "Open", "Hard", true }, { "Open", "DoubleEasy", true },
        { "Easy", "Open", true }, { "Hard", "Open", true }, { "Easy", "Easy", true }, { "Easy", "DoubleEasy", true },
        { "DoubleEasy", "DoubleEasy", true }, { "Small", "Easy", true }, { "Hard", "Hard", false },
        { "Open", "Blocked", false }, { "Blocked", "Easy", false }, { "Blocked", "Blocked", false },
    };

    [Theory]
    [MemberData(nameof(Situations))]
    public void The_first_packet_arrives_in_a_third_of_a_second_and_the_direct_path_stands_in_one(string a, string b, bool direct) => Seeds.Each(Runs, seed =>
    {
        NatPair pair = new(seed, Enum.Parse<NatSituation>(a), Enum.Parse<NatSituation>(b));
        pair.PingSteadily(1000);
        double first = pair.Until(() => pair.A.Pongs.Count > 0, 5);
        Assert.True(first <= 0.3, $"first packet after {first} s");
        if (direct)
        {
            double took = first + pair.Until(() => pair.IsDirect, 5);
            Assert.True(took <= 1, $"direct after {took} s");
        }

        pair.World.Run(TimeSpan.FromSeconds(12));
        Assert.Equal(direct ? ("udp", "udp") : ("relay", "relay"), (pair.PathOf(pair.A), pair.PathOf(pair.B)));

        // Not one is lost over the change from relay to direct.
        Assert.Equal(Enumerable.Range(1, 1000), pair.A.Pongs.Order());
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Two_behind_one_NAT_meet_on_their_own_network(bool hairpin) => Seeds.Each(Runs, seed =>
    {
        NatPair pair = new(seed, NatSituation.Easy, NatSituation.Easy, sameNat: true, hairpin);
        pair.PingSteadily(500);
        Assert.InRange(pair.Until(() => pair.IsDirect, 5), 0, 1);
        pair.World.Run(TimeSpan.FromSeconds(6));
        Assert.StartsWith("192.168.1.12", pair.A.StatsOf(pair.B).Endpoint, StringComparison.Ordinal);
        Assert.Equal(500, pair.A.Pongs.Count);
    });

    [Fact]
    public void Cut_under_traffic_the_relay_carries_within_a_third_of_a_second_and_healed_UDP_within_two() => Seeds.Each(Runs, seed =>
    {
        NatPair pair = new(seed, NatSituation.Easy, NatSituation.Easy);
        pair.PingSteadily(4000);
        pair.Until(() => pair.IsDirect, 2);
        pair.World.Run(TimeSpan.FromSeconds(2 + pair.World.Chance.NextDouble()));
        pair.A.Received.Clear();
        pair.Internet.Censor = d => d.Destination.Port != 3478;
        double cut = pair.World.Now.TotalSeconds;
        pair.World.Run(TimeSpan.FromSeconds(5));
        double[] times = [.. pair.A.Received.Select(r => r.At.TotalSeconds)];
        double gap = times.Zip(times.Skip(1), (x, y) => y - x).Append(times[0] - cut).Max();
        Assert.True(gap <= 0.32, $"{gap} s without a reply");
        Assert.Equal(("relay", "relay"), (pair.PathOf(pair.A), pair.PathOf(pair.B)));
        pair.Internet.Censor = null;
        Assert.InRange(pair.Until(() => pair.IsDirect, 5), 0, 2);
    });

    [Fact]
    public void Cut_in_one_direction_alone_both_ways_still_come_through() => Seeds.Each(Runs, seed =>
    {
        NatPair pair = new(seed, NatSituation.Open, NatSituation.Open);
        pair.PingSteadily(1500);
        pair.Until(() => pair.IsDirect, 2);
        pair.World.Run(TimeSpan.FromSeconds(2));
        NetAddress a = pair.A.Host.Addresses[0], b = pair.B.Host.Addresses[0];
        pair.Internet.Cut(a, b);
        pair.World.Run(TimeSpan.FromSeconds(1));
        pair.A.Received.Clear();
        pair.World.Run(TimeSpan.FromSeconds(5));
        Assert.InRange(pair.A.Pongs.Count, 490, 510);
    });

    [Fact]
    public void The_coordinator_may_go_away_under_a_direct_path_and_nothing_is_lost() => Seeds.Each(Runs, seed =>
    {
        NatPair pair = new(seed, NatSituation.Easy, NatSituation.DoubleEasy);
        pair.PingSteadily(2000);
        pair.Until(() => pair.IsDirect, 2);
        pair.World.Run(TimeSpan.FromSeconds(1));
        pair.Relay.Disconnect(pair.A);
        pair.Relay.Disconnect(pair.B);
        pair.A.Introduce = pair.B.Introduce = null;
        pair.World.Run(TimeSpan.FromSeconds(25));
        Assert.Equal(Enumerable.Range(1, 2000), pair.A.Pongs.Order());
        Assert.True(pair.IsDirect);
    });

    [Fact]
    public void A_relay_that_has_closed_is_in_use_no_more() => Seeds.Each(Runs, seed =>
    {
        NatPair pair = new(seed, NatSituation.Hard, NatSituation.Hard);
        pair.PingSteadily(1000);
        pair.Until(() => pair.PathOf(pair.A) == "relay", 2);
        pair.Relay.Disconnect(pair.A);
        pair.World.Run(TimeSpan.FromSeconds(1));
        Assert.Equal("none", pair.PathOf(pair.A));
        Assert.DoesNotContain(pair.A.StatsOf(pair.B).Paths, p => p.InUse);
    });

    [Fact]
    public void A_device_that_changes_networks_is_reached_again_within_a_third_of_a_second() => Seeds.Each(Runs, seed =>
    {
        NatPair pair = new(seed, NatSituation.Open, NatSituation.Easy);
        pair.PingSteadily(2000);
        pair.Until(() => pair.IsDirect, 2);
        pair.World.Run(TimeSpan.FromSeconds(2));
        pair.A.Host.ChangeAddress(pair.A.Host.Addresses[0], NetAddress.Parse("198.51.100.99"));
        pair.A.NoteNetworkChanged();
        pair.A.Received.Clear();
        double gap = pair.Until(() => pair.A.Pongs.Count > 0, 5);
        Assert.True(gap <= 0.3, $"{gap} s without a reply");
        pair.World.Run(TimeSpan.FromSeconds(4));
        Assert.True(pair.IsDirect);
    });

    [Fact]
    public void A_silent_pair_sends_nothing_and_the_first_packet_after_an_hour_is_not_lost_with_the_mapping() => Seeds.Each(20, seed =>
    {
        NatPair pair = new(seed, NatSituation.Easy, NatSituation.Easy);
        pair.PingSteadily(100);
        pair.Until(() => pair.IsDirect, 2);
        pair.World.Run(TimeSpan.FromMinutes(4));
        int sent = 0;
        pair.Internet.Sent += d => sent += d.Destination.Port == 3478 ? 0 : 1;
        int carried = pair.Relay.Carried;
        pair.World.Run(TimeSpan.FromHours(1));
        Assert.Equal((0, carried), (sent, pair.Relay.Carried));
        pair.A.Received.Clear();
        pair.A.Ping(pair.B, 5000);
        pair.World.Run(TimeSpan.FromSeconds(0.3));
        Assert.Equal([5000], pair.A.Pongs);
    });
}
