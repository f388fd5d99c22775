using TunnelMesh.Node.DataPlane;
using TunnelMesh.Simulation.Network;
using TunnelMesh.Simulation.Peers;

namespace TunnelMesh.Simulation.Scenarios;

/// <summary>What it costs to watch paths that work.</summary>
public sealed class WatchingTests
{
    private const int Seconds = 60;

    [Fact]
    public void Pings_a_second_apart_ask_nothing_of_a_path_that_answers_them() => Seeds.Each(20, seed =>
    {
        NatPair pair = new(seed, NatSituation.Easy, NatSituation.Easy);
        pair.PingSteadily(300);
        pair.World.Run(TimeSpan.FromSeconds(10));
        Assert.True(pair.IsDirect);
        Dictionary<string, long> before = Probes();
        pair.A.Received.Clear();
        for (int i = 0; i < Seconds; i++)
        {
            int number = i + 1000;
            pair.World.After(TimeSpan.FromSeconds(i), () => pair.A.Ping(pair.B, number));
        }

        pair.World.Run(TimeSpan.FromSeconds(Seconds));
        Assert.Equal(Seconds, pair.A.Pongs.Count);
        Dictionary<string, long> after = Probes();

        // Its size every two seconds, by a small and a large one, every 20 s whether it is there, and the same when the other side has looked at the relay, every ten.
        Assert.InRange(after["udp"] - before["udp"], Seconds / 2, (((Seconds / 2) + 1) * 2) + (Seconds / 20) + 1 + (Seconds / 10) + 1);

        Dictionary<string, long> Probes() => pair.A.StatsOf(pair.B).Paths.Where(p => p.InUse).ToDictionary(p => p.Transport, (PathStats p) => p.Probes);
    });

    [Fact]
    public void A_device_that_only_answers_asks_the_path_of_each_last_packet_once_and_troubles_no_relay() => Seeds.Each(20, seed =>
    {
        NatPair pair = new(seed, NatSituation.Easy, NatSituation.Easy);
        pair.PingSteadily(300);
        pair.World.Run(TimeSpan.FromSeconds(10));
        Assert.True(pair.IsDirect);
        long before = Probes();
        int relayed = 0;
        pair.Relay.Sent += (_, _) => relayed++;
        for (int i = 0; i < Seconds; i++)
        {
            // At the very moment it would not count as sent after what it answers.
            int number = i;
            pair.World.After(TimeSpan.FromSeconds(i), () => pair.A.SendNumber(pair.B, number));
            pair.World.After(TimeSpan.FromSeconds(i + 0.05), () => pair.B.SendNumber(pair.A, number));
        }

        pair.World.Run(TimeSpan.FromSeconds(Seconds));
        Assert.Equal(Seconds, pair.A.Numbers.Count);

        // One for each answer, beside those of whoever sends.
        Assert.InRange(Probes() - before, Seconds * 3 / 2, Seconds * 5 / 2);

        // Either side looks at it every ten seconds, is answered, and has the other look as well.
        Assert.InRange(relayed, Seconds / 10, Seconds * 5 / 4);

        // Silent again, there is nothing left to ask.
        pair.World.Run(TimeSpan.FromMinutes(3));
        before = Probes();
        relayed = 0;
        pair.World.Run(TimeSpan.FromMinutes(10));
        Assert.Equal((before, 0), (Probes(), relayed));

        long Probes() => pair.B.StatsOf(pair.A).Paths.Single(p => p.InUse).Probes;
    });

    [Fact]
    public void Answers_that_alone_get_lost_cost_whoever_asked_no_more_than_one_of_them() => Seeds.Each(20, seed =>
    {
        NatPair pair = new(seed, NatSituation.Easy, NatSituation.Easy);
        pair.PingSteadily(300);
        pair.World.Run(TimeSpan.FromSeconds(10));
        Assert.True(pair.IsDirect);
        pair.A.Received.Clear();
        for (int i = 1; i <= 20; i++)
        {
            int number = i;
            pair.World.After(TimeSpan.FromSeconds(i), () => pair.A.Ping(pair.B, number));
        }

        pair.World.Run(TimeSpan.FromSeconds(5.5));
        pair.Internet.Censor = d => NetAddress.Of(d.Source) == NetAddress.Parse("203.0.113.2");
        pair.World.Run(TimeSpan.FromSeconds(20));
        Assert.Equal([.. Enumerable.Range(1, 5), .. Enumerable.Range(7, 14)], pair.A.Pongs.Order());
    });

    [Fact]
    public void Pings_a_second_apart_that_nobody_answers_cost_no_more_than_one_of_them() => Seeds.Each(20, seed =>
    {
        NatPair pair = new(seed, NatSituation.Easy, NatSituation.Easy);
        pair.PingSteadily(300);
        pair.World.Run(TimeSpan.FromSeconds(10));
        Assert.True(pair.IsDirect);
        pair.A.Received.Clear();
        for (int i = 1; i <= 20; i++)
        {
            int number = i;
            pair.World.After(TimeSpan.FromSeconds(i), () => pair.A.Ping(pair.B, number));
        }

        pair.World.Run(TimeSpan.FromSeconds(5.5));
        pair.Internet.Censor = _ => true;
        pair.World.Run(TimeSpan.FromSeconds(20));
        Assert.Equal(("relay", "relay"), (pair.PathOf(pair.A), pair.PathOf(pair.B)));
        Assert.Equal([.. Enumerable.Range(1, 5), .. Enumerable.Range(7, 14)], pair.A.Pongs.Order());
    });
}
