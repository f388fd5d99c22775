using System.Net;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Tests.DataPlane;

public class TunnelEngineTests
{
    [Fact]
    public void The_first_packet_is_delivered_and_answered()
    {
        var pair = new EnginePair();
        pair.Left.Send(1);
        pair.Run(TimeSpan.FromSeconds(1));
        pair.Right.Send(2);
        pair.Run(TimeSpan.FromSeconds(1));
        Assert.Equal([1], pair.Right.Got);
        Assert.Equal([2], pair.Left.Got);
    }

    [Fact]
    public void A_peer_that_nobody_can_reach_keeps_the_timers_at_rest()
    {
        var pair = new EnginePair(left: s => s with { Candidates = [], PersistentKeepaliveSeconds = 25 }, right: s => s with { Candidates = [] });
        pair.Run(TimeSpan.FromMinutes(5));
        Assert.Equal(0, pair.Left.Datagrams);
        Assert.InRange(pair.Left.TimerRuns, 0, 100);
    }

    [Fact]
    public void A_peer_whose_last_candidate_is_withdrawn_keeps_the_timers_at_rest_and_comes_back_with_a_new_one()
    {
        var pair = new EnginePair(right: s => s with { Candidates = [] });
        pair.Left.Engine.SetPeers([pair.Right.Spec with { Candidates = [IPEndPoint.Parse("203.0.113.9:1")] }]);
        pair.Left.Send(1);
        pair.Run(TimeSpan.FromSeconds(1));
        pair.Left.Engine.SetPeers([pair.Right.Spec with { Candidates = [] }]);
        int before = pair.Left.TimerRuns;
        pair.Run(TimeSpan.FromMinutes(5));
        Assert.InRange(pair.Left.TimerRuns - before, 0, 100);
        pair.Left.Engine.SetPeers(pair.Left.Specs);
        pair.Left.Send(2);
        pair.Run(TimeSpan.FromSeconds(1));
        Assert.Equal([2], pair.Right.Got);
    }

    [Fact]
    public void A_key_that_moves_to_another_device_id_is_taken_in_one_change()
    {
        var pair = new EnginePair();
        pair.Left.Engine.SetPeers([pair.Right.Spec with { DeviceId = "renamed" }]);
        Assert.Equal(0, pair.Left.Engine.RefusedPeers);
        pair.Left.Send(1);
        pair.Run(TimeSpan.FromSeconds(1));
        Assert.Equal([1], pair.Right.Got);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void No_packet_is_lost_over_rekeys_whether_one_began_or_both(bool both)
    {
        var pair = new EnginePair();
        for (int i = 0; i < 60_000; i++)
        {
            pair.Left.Send(i);
            if (both || i > 10)
            {
                pair.Right.Send(i);
            }

            pair.Run(TimeSpan.FromMilliseconds(10));
        }

        pair.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(Enumerable.Range(0, 60_000), pair.Right.Got);
        Assert.Equal(both ? 60_000 : 60_000 - 11, pair.Left.Got.Count);
        Assert.Equal(0, pair.Left.Engine.Counters[DropReason.NoSession] + pair.Right.Engine.Counters[DropReason.NoSession]);
    }

    [Fact]
    public void Late_packets_from_the_old_address_do_not_hold_traffic_there()
    {
        var pair = new EnginePair();
        pair.Left.Send(0);
        pair.Run(TimeSpan.FromSeconds(1));

        // The old way is the slower one: its last packet comes in after the first over the new way, and is no sign of life.
        pair.Right.ExtraLatency = EnginePair.Latency;
        pair.Right.Send(0);
        pair.Run(TimeSpan.FromMilliseconds(10));
        pair.Right.ExtraLatency = TimeSpan.Zero;
        pair.Right.Address = UdpEndpoint.From(IPEndPoint.Parse("198.51.100.2:2223"));
        pair.Right.Send(1);
        pair.Run(TimeSpan.FromSeconds(1));
        Assert.Equal([1, 0], pair.Left.Got);
        pair.Left.Send(1);
        pair.Run(TimeSpan.FromSeconds(1));
        Assert.Equal([0, 1], pair.Right.Got);
    }
}
