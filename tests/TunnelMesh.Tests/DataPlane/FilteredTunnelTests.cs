using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Filter;
using TunnelMesh.Protocol.Filter;
using TunnelMesh.Tests.Packets.Offload;
using TunnelMesh.Tests.ProtocolFilter;

namespace TunnelMesh.Tests.DataPlane;

/// <summary>The filter inside tunnels: the right side has one.</summary>
public class FilteredTunnelTests
{
    private const string Left = "10.42.0.1", Right = "10.42.0.200";

    [Fact]
    public void What_no_rule_lets_in_is_dropped_and_counted_and_answers_pass()
    {
        PacketFilter? filter = null;
        using TrainPair pair = new(filter: time => filter = Filter(time));
        pair.Connect();
        byte[] allowed = FilterBytes.Udp(Left, Right, 40000, 53), denied = FilterBytes.Udp(Left, Right, 40000, 54);
        pair.Left.Engine.HandlePacket(allowed);
        pair.Left.Engine.HandlePacket(denied);
        pair.Left.Engine.HandlePacket(FilterBytes.Icmp(Left, Right, 8));
        pair.Settle();
        Assert.Equal([28 + 4, 28], pair.Right.Tun.Writes.Select(w => w.Packet.Length));
        Assert.Equal(1, pair.Right.Engine.Counters[DropReason.Filtered]);
        Assert.Equal([new FilterDrops("udp", "peer-1", 1)], filter!.Drops());

        pair.Right.Engine.HandlePacket(FilterBytes.Udp(Right, Left, 54, 40000));
        pair.Settle();
        pair.Left.Engine.HandlePacket(denied);
        pair.Settle();
        Assert.Equal(3, pair.Right.Tun.Writes.Count);
        Assert.Equal(1, pair.Right.Engine.Counters[DropReason.Filtered]);
    }

    [Fact]
    public void A_rule_that_is_added_counts_at_once()
    {
        PacketFilter? filter = null;
        using TrainPair pair = new(filter: time => filter = Filter(time));
        pair.Connect();
        byte[] denied = FilterBytes.Udp(Left, Right, 40000, 54);
        filter!.TryAddTemporary(new FilterRule(new PortRange(54, 54), FilterProtocol.Udp, FilterAction.Allow, new FilterSource(FilterSourceKind.Peer, "peer-1")), null);
        pair.Left.Engine.HandlePacket(denied);
        pair.Settle();
        Assert.Single(pair.Right.Tun.Writes);
    }

    [Fact]
    public void A_peer_that_comes_back_under_another_name_has_the_rules_of_that_name()
    {
        PacketFilter? filter = null;
        using TrainPair pair = new(filter: time => filter = Filter(time));
        filter!.SetOwn(null, [new FilterRule(PortRange.All, FilterProtocol.Udp, FilterAction.Allow, new FilterSource(FilterSourceKind.Peer, "laptop"))]);
        pair.Connect();
        byte[] packet = FilterBytes.Udp(Left, Right, 40000, 54);
        pair.Left.Engine.HandlePacket(packet);
        pair.Settle();
        Assert.Empty(pair.Right.Tun.Writes);
        pair.Right.Engine.SetPeers([pair.Left.Spec with { Name = "laptop" }]);
        pair.Left.Engine.HandlePacket(packet);
        pair.Settle();
        Assert.Single(pair.Right.Tun.Writes);
    }

    [Fact]
    public void A_super_packet_of_a_connection_comes_in_whole_and_one_that_no_rule_lets_in_is_dropped_segment_by_segment()
    {
        PacketFilter? filter = null;
        using TrainPair pair = new(filter: time => filter = Filter(time));
        pair.Connect();
        FlowBytes flow = new();
        SuperPackets.Take(pair.Left, flow, new byte[20_000], 1000);
        pair.Left.Engine.Flush();
        pair.Settle();
        Assert.Empty(pair.Right.Tun.Writes);
        Assert.Equal(20, pair.Right.Engine.Counters[DropReason.Filtered]);

        filter!.TryAddTemporary(new FilterRule(new PortRange(5201, 5201), FilterProtocol.Tcp, FilterAction.Allow, FilterSource.Any), null);
        SuperPackets.Take(pair.Left, flow, new byte[20_000], 1000);
        pair.Left.Engine.Flush();
        pair.Settle();
        Assert.Equal(20, filter.List().Single(r => r.Layer == FilterLayer.Temporary).Hits);
        Assert.Equal(20 * 1000, pair.Right.Tun.Writes.Sum(w => w.Packet.Length - 40));
    }

    private static PacketFilter Filter(TimeProvider time)
    {
        PacketFilter filter = new(time);
        filter.SetOwn(null, [new FilterRule(new PortRange(53, 53), FilterProtocol.Udp, FilterAction.Allow, FilterSource.Any)]);
        return filter;
    }
}
