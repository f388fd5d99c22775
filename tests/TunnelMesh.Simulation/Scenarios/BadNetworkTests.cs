using CsCheck;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Simulation.Network;
using TunnelMesh.Simulation.Peers;

namespace TunnelMesh.Simulation.Scenarios;

/// <summary>Sessions over networks that lose, repeat, reorder and cut.</summary>
public sealed class BadNetworkTests
{
    [Fact]
    public void Whatever_the_network_does_each_packet_arrives_at_most_once_and_unchanged() =>
        (from seed in Gen.Int[1, int.MaxValue]
         from loss in Gen.Double[0, 0.3]
         from duplication in Gen.Double[0, 0.3]
         from reordering in Gen.Double[0, 0.3]
         from jitter in Gen.Int[0, 100]
         select (seed, loss, duplication, reordering, jitter)).Sample(
            c =>
            {
                var mesh = new SimulatedMesh(c.seed);
                var conditions = new LinkConditions
                {
                    Loss = c.loss,
                    Duplication = c.duplication,
                    Reordering = c.reordering,
                    Jitter = TimeSpan.FromMilliseconds(c.jitter),
                };
                mesh.A.Host.Link.Set(conditions);
                mesh.Repeat(400, TimeSpan.FromMilliseconds(50), i =>
                {
                    mesh.A.SendNumber(mesh.B, i, 28 + mesh.World.Chance.Next(8, 1373));
                    mesh.B.SendNumber(mesh.A, i, 28 + mesh.World.Chance.Next(8, 1373));
                });
                mesh.Run(25);
                foreach (SimulatedPeer peer in mesh.Peers)
                {
                    // Numbers verifies every byte.
                    Assert.Equal(peer.Numbers.Count, peer.Numbers.Distinct().Count());
                    Assert.Equal(0, peer.Engine.Counters[DropReason.Forged] + peer.Engine.Counters[DropReason.Malformed]);
                }

                // The network gets better: so does the session.
                mesh.SetLinks(new LinkConditions());
                mesh.Run(11);
                mesh.A.Received.Clear();
                mesh.Repeat(50, TimeSpan.FromMilliseconds(20), i => mesh.A.Ping(mesh.B, i));
                mesh.Run(2);
                Assert.Equal(Enumerable.Range(0, 50), mesh.A.Pongs);
            },
            iter: 40,
            threads: 1);

    [Fact]
    public void With_thirty_percent_loss_most_of_the_rest_arrives_and_the_session_is_never_away_for_long() => Seeds.Each(20, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        mesh.A.Host.Link.Set(new LinkConditions { Loss = 0.3, Reordering = 0.1, Duplication = 0.1 });
        mesh.Repeat(6000, TimeSpan.FromMilliseconds(100), i => mesh.A.SendNumber(mesh.B, i));
        mesh.Run(610);
        IReadOnlyList<long> numbers = mesh.B.Numbers;
        Assert.Equal(numbers.Count, numbers.Distinct().Count());
        // More than seven in ten: while there is doubt about a path, the same goes over another.
        Assert.InRange(numbers.Count, 6000 * 0.65, 6000 * 0.85);
        double longest = mesh.B.Received.Zip(mesh.B.Received.Skip(1), (x, y) => (y.At - x.At).TotalSeconds).Max();
        Assert.True(longest < 3, $"{longest} s without a packet");
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_rekey_loses_no_packet(bool initiatorSends) => Seeds.Each(5, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        mesh.Connect();
        SimulatedPeer from = initiatorSends ? mesh.A : mesh.B, to = initiatorSends ? mesh.B : mesh.A;
        List<double> responses = [];
        mesh.Network.Sent += d =>
        {
            if (d.Bytes[0] == WireGuardMessage.Response)
            {
                responses.Add(mesh.World.Now.TotalSeconds);
            }
        };
        mesh.Repeat(4000, TimeSpan.FromMilliseconds(100), i => from.SendNumber(to, i));
        mesh.Run(401);
        Assert.Equal(Enumerable.Range(0, 4000).Select(i => (long)i), to.Numbers);

        // The initiator replaces a session that it sends on after 120 s, looking every second; one that it only receives on, and answers
        // with keepalives, at the same age.
        Assert.Equal(3, responses.Count);
        Assert.InRange(responses[0], 120, initiatorSends ? 122 : 132);
        Assert.Equal(0, mesh.A.Drops + mesh.B.Drops);
    });

    [Fact]
    public void A_rekey_on_a_bad_network_never_stops_the_traffic() => Seeds.Each(20, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        mesh.Connect();
        mesh.Run(110);

        // Every handshake datagram is lost until the session is 150 s old.
        mesh.Network.Censor = d => d.Bytes[0] != WireGuardMessage.Transport && mesh.World.Now < TimeSpan.FromSeconds(150);
        mesh.Repeat(1000, TimeSpan.FromMilliseconds(100), i => mesh.A.SendNumber(mesh.B, i));
        mesh.Run(101);
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => (long)i), mesh.B.Numbers);
        Assert.Equal(1, mesh.B.Engine.HandshakeCounters[HandshakeResult.Responded] - 1);
    });

    [Fact]
    public void A_device_that_restarts_and_speaks_is_heard_at_once() => Seeds.Each(20, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        mesh.Connect();
        mesh.Run(5);
        mesh.B.Restart();
        mesh.B.Ping(mesh.A, 1);
        Assert.Equal(0.040, mesh.RunUntil(() => mesh.B.Pongs.Count == 1, 1), 3);
        mesh.A.Ping(mesh.B, 2);
        Assert.Equal(0.020, mesh.RunUntil(() => mesh.A.Pongs.Count == 1, 1), 3);
    });

    [Fact]
    public void A_device_that_restarts_in_silence_is_found_again_within_a_second() => Seeds.Each(20, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        mesh.Connect();
        mesh.Run(20);
        mesh.B.Restart();
        mesh.Repeat(300, TimeSpan.FromMilliseconds(100), i => mesh.A.SendNumber(mesh.B, i));
        double took = mesh.RunUntil(() => mesh.B.Numbers.Count > 0, 30);
        Assert.InRange(took, 0.5, 1);
        Assert.True(mesh.B.Engine.Counters[DropReason.NoSession] > 5);
        mesh.Run(30);
        Assert.Equal(Enumerable.Range((int)mesh.B.Numbers[0], 300 - (int)mesh.B.Numbers[0]).Select(i => (long)i), mesh.B.Numbers);
    });

    [Fact]
    public void Whoever_sends_seldom_finds_it_again_with_the_second_packet() => Seeds.Each(20, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        mesh.Connect();
        mesh.Run(20);
        mesh.B.Restart();
        mesh.Repeat(10, TimeSpan.FromMilliseconds(1500), i => mesh.A.SendNumber(mesh.B, i));
        mesh.Run(20);
        Assert.Equal(Enumerable.Range(1, 9).Select(i => (long)i), mesh.B.Numbers);
    });

    [Theory]
    [InlineData(20, false)]
    [InlineData(20, true)]
    [InlineData(300, false)]
    public void A_restarted_device_answers_the_first_packet_once_the_coordinator_has_seen_it_come_back(int silence, bool sendsMeanwhile) => Seeds.Each(20, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        mesh.Connect();
        mesh.Run(silence);
        mesh.Network.Partition([.. mesh.B.Host.Addresses]);
        mesh.A.SetPeers(mesh.B.Spec with { Online = false });
        if (sendsMeanwhile)
        {
            mesh.Repeat(9, TimeSpan.FromSeconds(1), i => mesh.A.SendNumber(mesh.B, i));
        }

        // The last attempt at a handshake may have been a moment ago, and most of its five seconds be left.
        mesh.Run(9 + (mesh.World.Chance.NextDouble() * 3));
        mesh.B.Restart();
        mesh.Network.MendAll();
        mesh.A.SetPeers(mesh.B.Spec);
        mesh.Run(0.01);
        mesh.A.Ping(mesh.B, 1);
        Assert.InRange(mesh.RunUntil(() => mesh.A.Pongs.Contains(1), 5), 0, sendsMeanwhile ? 1.1 : 0.1);
    });

    [Fact]
    public void A_ping_to_a_device_that_was_just_restarted_is_answered_by_its_new_session() => Seeds.Each(20, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        mesh.Connect();
        mesh.Run(20);
        mesh.B.Restart();
        Task<PingResult> answer = mesh.A.PingInside(mesh.B);
        mesh.Run(0.05);
        Assert.False(answer.IsCompleted);
        mesh.A.SetPeers(mesh.B.Spec with { Online = false });
        mesh.A.SetPeers(mesh.B.Spec);
        mesh.RunUntil(() => answer.IsCompleted, 0.1);
        Assert.True(answer.IsCompletedSuccessfully);
    });

    [Fact]
    public void A_device_that_was_there_all_the_time_keeps_its_session_whatever_the_coordinator_says() => Seeds.Each(20, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        mesh.Connect();
        mesh.Repeat(1000, TimeSpan.FromMilliseconds(10), i => mesh.A.Ping(mesh.B, i));
        mesh.Run(2);
        long handshakes = mesh.B.Engine.HandshakeCounters[HandshakeResult.Responded] + mesh.A.Engine.HandshakeCounters[HandshakeResult.Responded];
        mesh.A.SetPeers(mesh.B.Spec with { Online = false });
        mesh.Run(mesh.World.Chance.NextDouble());
        mesh.A.SetPeers(mesh.B.Spec);
        mesh.Run(10);
        Assert.Equal(Enumerable.Range(0, 1000), mesh.A.Pongs);
        Assert.Equal(handshakes, mesh.B.Engine.HandshakeCounters[HandshakeResult.Responded] + mesh.A.Engine.HandshakeCounters[HandshakeResult.Responded]);
    });

    [Fact]
    public void After_an_outage_traffic_comes_back_within_six_seconds_of_it() => Seeds.Each(20, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        mesh.Connect();
        mesh.Repeat(3000, TimeSpan.FromMilliseconds(100), i => mesh.A.Ping(mesh.B, i));
        mesh.Run(10);
        mesh.Network.Partition([.. mesh.A.Host.Addresses]);
        double outage = 1 + (mesh.World.Chance.NextDouble() * 200);
        mesh.Run(outage);
        mesh.Network.MendAll();
        mesh.A.Received.Clear();
        Assert.True(mesh.RunUntil(() => mesh.A.Pongs.Count > 0, 10) < 6, $"outage of {outage} s");
    });

    [Fact]
    public void A_cut_in_one_direction_alone_is_no_session_and_ends_with_the_cut() => Seeds.Each(10, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        foreach ((NetAddress a, NetAddress b) in mesh.A.Host.Addresses.Zip(mesh.B.Host.Addresses))
        {
            mesh.Network.Cut(b, a);
        }

        mesh.Repeat(200, TimeSpan.FromMilliseconds(100), i => mesh.A.Ping(mesh.B, i));
        mesh.Run(20);
        Assert.Empty(mesh.A.Pongs);
        Assert.Equal("none", mesh.A.StatsOf(mesh.B).Path);
        mesh.Network.MendAll();
        mesh.A.Ping(mesh.B, 1000);
        mesh.Run(6);
        Assert.Contains(1000, mesh.A.Pongs);
    });

    [Fact]
    public void A_silent_session_costs_nothing_but_its_end() => Seeds.Each(3, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        mesh.Connect();
        mesh.Run(130);
        int datagrams = 0;
        mesh.Network.Sent += _ => datagrams++;
        mesh.Run(3600);
        Assert.Equal(0, datagrams);
        Assert.InRange(mesh.A.TimerRuns, 1, 200);
        Assert.InRange(mesh.B.TimerRuns, 1, 200);
    });
}
