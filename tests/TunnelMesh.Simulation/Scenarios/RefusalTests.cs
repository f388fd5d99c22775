using System.Net;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Simulation.Network;
using TunnelMesh.Simulation.Peers;

namespace TunnelMesh.Simulation.Scenarios;

/// <summary>Packets that go nowhere: who is told, how often, and what is counted.</summary>
public sealed class RefusalTests
{
    [Fact]
    public void A_packet_with_the_inner_source_of_another_device_is_dropped_and_counted() => Seeds.Each(10, seed =>
    {
        var mesh = new SimulatedMesh(seed, 3);
        mesh.Connect();
        SimulatedPeer c = mesh.Peers[2];
        mesh.A.Send(InnerPacket.Numbered(c.V4, mesh.B.V4, 1, 100));
        mesh.A.Send(InnerPacket.Numbered(c.V6, mesh.B.V6, 2, 100));
        mesh.A.Send(InnerPacket.Numbered(IPAddress.Parse("192.0.2.1"), mesh.B.V4, 3, 100));
        mesh.Run(1);
        Assert.Empty(mesh.B.Received);
        Assert.Equal(3, mesh.B.Engine.Counters[DropReason.BadSource]);
        Assert.Equal(3, mesh.B.Drops);
    });

    [Fact]
    public void A_packet_for_somebody_else_is_not_passed_on() => Seeds.Each(10, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        mesh.Connect();
        PeerSpec b = mesh.B.Spec;
        mesh.A.SetPeers(b with { AllowedPrefixes = [.. b.AllowedPrefixes, IPNetwork.Parse("10.86.9.0/24")] });
        mesh.A.Send(InnerPacket.Numbered(mesh.A.V4, IPAddress.Parse("10.86.9.1"), 1, 100));
        mesh.Run(1);
        Assert.Empty(mesh.B.Received);
        Assert.Equal(1, mesh.B.Engine.Counters[DropReason.BadDestination]);
    });

    [Fact]
    public void Without_a_route_the_answer_is_net_unreachable_at_once()
    {
        var mesh = new SimulatedMesh(1);
        byte[] v4 = InnerPacket.Numbered(mesh.A.V4, IPAddress.Parse("10.86.0.200"), 1, 100);
        byte[] v6 = InnerPacket.Numbered(mesh.A.V6, IPAddress.Parse("fd86:1:2::c8"), 2, 100);
        mesh.A.Send(v4);
        mesh.A.Send(v6);
        Assert.Equal(2, mesh.A.Errors.Count);
        Assert.Equal(((byte)3, (byte)0), (mesh.A.Errors[0].Type, mesh.A.Errors[0].Code));
        Assert.Equal(v4, mesh.A.Errors[0].About);
        Assert.Equal(((byte)1, (byte)0), (mesh.A.Errors[1].Type, mesh.A.Errors[1].Code));
        Assert.Equal(v6, mesh.A.Errors[1].About);
        Assert.Equal(2, mesh.A.Engine.Counters[DropReason.NoRoute]);
    }

    [Fact]
    public void Answers_come_no_faster_than_fifty_and_then_a_hundred_a_second()
    {
        var mesh = new SimulatedMesh(1);
        mesh.Repeat(2000, TimeSpan.FromMilliseconds(1), i =>
            mesh.A.Send(InnerPacket.Numbered(mesh.A.V4, IPAddress.Parse("10.86.0.200"), i, 100)));
        mesh.Run(3);
        Assert.InRange(mesh.A.Errors.Count, 248, 251);
        Assert.Equal(2000, mesh.A.Engine.Counters[DropReason.NoRoute]);
    }

    [Fact]
    public void Who_does_not_answer_is_host_unreachable_after_five_seconds_and_given_up_after_ninety() => Seeds.Each(10, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        mesh.Network.Partition([.. mesh.A.Host.Addresses]);
        byte[] packet = InnerPacket.Numbered(mesh.A.V4, mesh.B.V4, 1, 100);
        mesh.A.Send(packet);
        double took = mesh.RunUntil(() => mesh.A.Errors.Count > 0, 20);
        Assert.InRange(took, 5, 11);
        Assert.Equal(((byte)3, (byte)1), (mesh.A.Errors[0].Type, mesh.A.Errors[0].Code));
        Assert.Equal(packet, mesh.A.Errors[0].About);
        Assert.Equal(1, mesh.A.Engine.Counters[DropReason.Unreachable]);

        int datagrams = 0;
        mesh.Network.Sent += _ => datagrams++;
        mesh.Run(90);
        Assert.True(datagrams > 0);
        datagrams = 0;
        mesh.Run(600);
        Assert.Equal(0, datagrams);

        // The next packet tries again.
        mesh.Network.MendAll();
        mesh.A.Ping(mesh.B, 2);
        Assert.True(mesh.RunUntil(() => mesh.A.Pongs.Count > 0, 1) < 0.05);
    });

    [Fact]
    public void What_waits_for_a_session_is_bounded_and_the_newest_are_kept() => Seeds.Each(10, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        for (int i = 0; i < 500; i++)
        {
            mesh.A.SendNumber(mesh.B, i);
        }

        mesh.Run(1);
        Assert.Equal(Enumerable.Range(372, 128).Select(i => (long)i), mesh.B.Numbers);
        Assert.Equal(372, mesh.A.Engine.Counters[DropReason.QueueFull]);
    });

    [Fact]
    public void A_key_may_go_from_one_device_ID_to_another()
    {
        var mesh = new SimulatedMesh(1);
        mesh.A.SetPeers(mesh.B.Spec with { DeviceId = "other" });
        Assert.Equal(0, mesh.A.Engine.RefusedPeers);
        mesh.A.Ping(mesh.B, 1);
        mesh.RunUntil(() => mesh.A.Pongs.Count == 1, 1);
    }

    [Fact]
    public void A_peer_that_is_taken_off_the_list_is_gone_at_once()
    {
        var mesh = new SimulatedMesh(1);
        mesh.Connect();
        mesh.B.SetPeers();
        mesh.A.SendNumber(mesh.B, 1);
        mesh.Run(1);
        Assert.Empty(mesh.B.Received);
        Assert.True(mesh.B.Engine.Counters[DropReason.NoSession] > 0);
        mesh.B.SendNumber(mesh.A, 2);
        Assert.Equal((byte)0, Assert.Single(mesh.B.Errors).Code);
    }
}
