using TunnelMesh.Node.DataPlane;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Simulation.Network;
using TunnelMesh.Simulation.Peers;

namespace TunnelMesh.Simulation.Scenarios;

/// <summary>How two devices find each other.</summary>
public sealed class ConnectingTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void The_first_ping_is_not_lost_and_takes_two_round_trips(bool outsideV6, bool insideV6) => Seeds.Each(20, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        PeerSpec b = mesh.B.Spec;
        mesh.A.SetPeers(b with { Candidates = [b.Candidates[outsideV6 ? 1 : 0]] });
        for (int i = 0; i < 3; i++)
        {
            mesh.A.Ping(mesh.B, i, insideV6);
        }

        // 10 ms each way: handshake, then ping.
        double took = mesh.RunUntil(() => mesh.A.Pongs.Count == 3, 1);
        Assert.Equal(0.040, took, 3);
        Assert.Equal([0, 1, 2], mesh.A.Pongs);
        mesh.Run(2);
        Assert.Equal(b.Candidates[outsideV6 ? 1 : 0].ToString(), mesh.A.StatsOf(mesh.B).Endpoint);
        Assert.Equal("udp", mesh.B.StatsOf(mesh.A).Path);
        Assert.Equal(20.0, mesh.A.StatsOf(mesh.B).RttMs!.Value, 3);
        Assert.Equal(20.0, mesh.B.StatsOf(mesh.A).RttMs!.Value, 3);
        Assert.Equal(0, mesh.A.Drops + mesh.B.Drops);
    });

    [Fact]
    public void Both_may_begin_at_once() => Seeds.Each(30, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        mesh.SetLinks(new LinkConditions { Jitter = TimeSpan.FromMilliseconds(5) });
        mesh.Repeat(20, TimeSpan.FromMilliseconds(1), i =>
        {
            mesh.A.SendNumber(mesh.B, i);
            mesh.B.SendNumber(mesh.A, i);
        });
        mesh.Run(1);
        Assert.Equal(20, mesh.A.Numbers.Distinct().Count());
        Assert.Equal(20, mesh.B.Numbers.Distinct().Count());
        Assert.Equal(20, mesh.A.Numbers.Count);
        Assert.Equal(20, mesh.B.Numbers.Count);
    });

    [Fact]
    public void Of_two_candidates_the_one_that_works_is_used_at_once() => Seeds.Each(20, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        PeerSpec b = mesh.B.Spec;
        mesh.A.SetPeers(b with { Candidates = [NetAddress.Parse("203.0.113.9").At(7).ToIPEndPoint(), b.Candidates[0]] });
        mesh.A.Ping(mesh.B, 1);
        Assert.Equal(0.040, mesh.RunUntil(() => mesh.A.Pongs.Count == 1, 1), 3);
        Assert.Equal(b.Candidates[0].ToString(), mesh.A.StatsOf(mesh.B).Endpoint);
    });

    [Fact]
    public void Of_two_candidates_one_may_be_open_in_one_direction_only() => Seeds.Each(20, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        NetAddress a4 = mesh.A.Host.Addresses[0], b4 = mesh.B.Host.Addresses[0];
        mesh.Network.Cut(b4, a4);
        mesh.A.Ping(mesh.B, 1);
        Assert.True(mesh.RunUntil(() => mesh.A.Pongs.Count == 1, 2) < 0.3);
        Assert.Equal(mesh.B.Host.Addresses[1].At(SimulatedPeer.Port).ToString(), mesh.A.StatsOf(mesh.B).Endpoint);
        Assert.Equal(mesh.A.Host.Addresses[1].At(SimulatedPeer.Port).ToString(), mesh.B.StatsOf(mesh.A).Endpoint);
    });

    [Fact]
    public void A_lost_response_costs_a_quarter_of_a_second() => Seeds.Each(20, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        PeerSpec b = mesh.B.Spec;
        mesh.A.SetPeers(b with { Candidates = [b.Candidates[0]] });
        int responses = 0;
        mesh.Network.Censor = d => d.Bytes[0] == WireGuardMessage.Response && responses++ == 0;
        mesh.A.Ping(mesh.B, 1);
        Assert.Equal(0.290, mesh.RunUntil(() => mesh.A.Pongs.Count == 1, 2), 3);
        Assert.Equal(2, responses);
        Assert.Equal(1, mesh.B.Engine.HandshakeCounters[HandshakeResult.Responded]);
        Assert.Equal(1, mesh.B.Engine.HandshakeCounters[HandshakeResult.AnsweredAgain]);
    });

    [Fact]
    public void A_device_that_the_map_brings_a_second_later_is_answered_then() => Seeds.Each(20, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        mesh.B.SetPeers();
        mesh.A.Ping(mesh.B, 1);
        mesh.Run(1);
        Assert.Empty(mesh.A.Pongs);
        mesh.B.SetPeers(mesh.A.Spec);
        Assert.True(mesh.RunUntil(() => mesh.A.Pongs.Count == 1, 1) < 0.05);
    });

    [Fact]
    public void A_candidate_that_comes_while_the_handshake_waits_is_tried_within_a_quarter_of_a_second() => Seeds.Each(20, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        PeerSpec b = mesh.B.Spec;
        mesh.A.SetPeers(b with { Candidates = [NetAddress.Parse("203.0.113.9").At(7).ToIPEndPoint()] });
        mesh.A.Ping(mesh.B, 1);
        mesh.Run(1.1);
        mesh.A.SetPeers(b);
        Assert.True(mesh.RunUntil(() => mesh.A.Pongs.Count == 1, 1) < 0.3);
    });

    [Fact]
    public void Fifty_devices_form_a_full_mesh() => Seeds.Each(1, seed =>
    {
        var mesh = new SimulatedMesh(seed, 50);
        mesh.SetLinks(new LinkConditions { Jitter = TimeSpan.FromMilliseconds(20), Loss = 0.01 });
        foreach (SimulatedPeer from in mesh.Peers)
        {
            foreach (SimulatedPeer to in mesh.Peers.Where(p => p != from))
            {
                mesh.World.After(Second * mesh.World.Chance.NextDouble(), () => from.SendNumber(to, (from.Number * 100) + to.Number));
            }
        }

        mesh.Run(30);
        Assert.All(mesh.Peers, p => Assert.Equal(49, p.Engine.GetStats().Count(s => s.Path == "udp")));
        Assert.All(mesh.Peers, p => Assert.Equal(p.Numbers.Distinct().Count(), p.Numbers.Count));

        // One loss in a hundred on each of two links, and nobody sends anything twice.
        int arrived = mesh.Peers.Sum(p => p.Numbers.Count);
        Assert.InRange(arrived, 50 * 49 * 96 / 100, 50 * 49);
    });
}
