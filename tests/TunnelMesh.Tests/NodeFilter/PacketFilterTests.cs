using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.Filter;
using TunnelMesh.Protocol.Filter;
using TunnelMesh.Protocol.Packets;
using TunnelMesh.Tests.ProtocolFilter;
using TunnelMesh.Tests.Shared;
using static TunnelMesh.Tests.NodeFilter.FilteredDevice;

namespace TunnelMesh.Tests.NodeFilter;

public class PacketFilterTests
{
    private const string Us = "10.42.0.1", Them = "10.42.0.2";

    [Fact]
    public void Without_a_rule_only_echo_and_errors_come_in()
    {
        FilteredDevice device = new(null);
        FilterPeer nas = device.Peer("nas");
        Assert.True(device.Filter.DefaultDeny);
        Assert.True(device.In(nas, FilterBytes.Icmp(Them, Us, 8)));
        Assert.True(device.In(nas, FilterBytes.Icmp("fd00::2", "fd00::1", 128)));
        Assert.True(device.In(nas, FilterBytes.Icmp(Them, Us, 3)));
        Assert.False(device.In(nas, FilterBytes.Icmp(Them, Us, 5)));
        Assert.False(device.In(nas, FilterBytes.Tcp(Them, Us, 40000, 22, FilterBytes.Syn)));
        Assert.False(device.In(nas, FilterBytes.Udp("fd00::2", "fd00::1", 40000, 53)));
        Assert.False(device.In(nas, FilterBytes.Ip(Them, Us, 47, new byte[20])));
    }

    [Fact]
    public void Echo_passes_whatever_rules_say()
    {
        FilteredDevice device = new(true, Rule("deny any any"), Rule("deny icmp any nas"));
        Assert.True(device.In(device.Peer("nas"), FilterBytes.Icmp(Them, Us, 8)));
    }

    [Theory]
    [InlineData("allow tcp any|allow tcp 22 nas", "", "", true)]
    [InlineData("allow tcp 22 nas", "deny tcp 22", "", false)]
    [InlineData("deny tcp 22", "allow tcp 22 nas", "", false)]
    [InlineData("deny tcp 22|allow tcp 22 nas", "", "", true)]
    [InlineData("allow tcp 22|deny tcp 22 nas", "", "", false)]
    [InlineData("deny tcp 22|allow tcp 22 group:everyone", "", "", true)]
    [InlineData("deny tcp 22 group:everyone|allow tcp 22 nas", "", "", true)]
    [InlineData("allow tcp 22 group:unknown", "", "", false)]
    [InlineData("allow tcp 22 nas|deny tcp 20-30 nas", "", "", false)]
    [InlineData("allow tcp 22 laptop", "", "", false)]
    [InlineData("", "allow tcp 22", "", true)]
    [InlineData("", "", "allow tcp 22", true)]
    [InlineData("", "allow tcp 22", "deny any any", false)]
    [InlineData("deny udp 22", "allow any 22", "", true)]
    [InlineData("deny any 22 laptop", "allow any 22", "", true)]
    public void The_most_restrictive_layer_wins_and_in_a_layer_the_most_specific_rule(string own, string mesh, string temporary, bool passes)
    {
        FilteredDevice device = new(true, Rules(own));
        device.Filter.SetMesh(null, Rules(mesh), []);
        foreach (FilterRule rule in Rules(temporary))
        {
            Assert.True(device.Filter.TryAddTemporary(rule, null));
        }

        Assert.Equal(passes, device.In(device.Peer("nas"), FilterBytes.Tcp(Them, Us, 40000, 22, FilterBytes.Syn)));
    }

    [Theory]
    [InlineData(null, null, true)]
    [InlineData(false, null, false)]
    [InlineData(null, false, false)]
    [InlineData(true, false, true)]
    [InlineData(false, true, true)]
    [InlineData(true, null, true)]
    [InlineData(null, true, true)]
    [InlineData(false, false, false)]
    public void Of_two_defaults_the_one_that_denies_wins(bool? own, bool? mesh, bool denies)
    {
        FilteredDevice device = new(own);
        device.Filter.SetMesh(mesh, [], []);
        Assert.Equal(denies, device.Filter.DefaultDeny);
        Assert.Equal(!denies, device.In(device.Peer("nas"), FilterBytes.Udp(Them, Us, 1, 2)));
    }

    [Fact]
    public void Ports_of_services_are_open_for_tcp()
    {
        FilteredDevice device = new(null);
        device.Filter.SetMesh(null, [], [9443]);
        FilterPeer nas = device.Peer("nas");
        Assert.True(device.In(nas, FilterBytes.Tcp(Them, Us, 40000, 9443, FilterBytes.Syn)));
        Assert.False(device.In(nas, FilterBytes.Udp(Them, Us, 40000, 9443)));
        Assert.False(device.In(nas, FilterBytes.Tcp(Them, Us, 40000, 9444, FilterBytes.Syn)));
        device.Filter.SetMesh(null, [Rule("deny tcp 9443 nas")], [9443]);
        Assert.False(device.In(nas, FilterBytes.Tcp(Them, Us, 40000, 9443, FilterBytes.Syn)));
    }

    [Fact]
    public void A_temporary_rule_ends_at_its_time_and_not_before()
    {
        FilteredDevice device = new(null);
        FilterPeer nas = device.Peer("nas");
        byte[] syn = FilterBytes.Tcp(Them, Us, 40000, 22, FilterBytes.Syn);
        Assert.True(device.Filter.TryAddTemporary(Rule("allow tcp 22"), TimeSpan.FromMinutes(10)));
        Assert.True(device.In(nas, syn));
        device.Time.Advance(TimeSpan.FromMinutes(9));
        long due = device.Filter.Tend(device.Now);
        Assert.True(device.In(nas, syn));
        Assert.Equal(60, Assert.Single(device.Filter.List()).TimeLeft!.Value.TotalSeconds);
        Assert.True(due <= device.Now + TimeSpan.FromMinutes(1).Ticks);
        device.Time.Advance(TimeSpan.FromMinutes(1));
        device.Filter.Tend(device.Now);
        Assert.False(device.In(nas, syn));
        Assert.Empty(device.Filter.List());
    }

    [Fact]
    public void Time_in_which_the_machine_sleeps_counts()
    {
        FakeTimeProvider time = new();
        SleepingTime lasting = new(time);
        PacketFilter filter = new(time, lasting: lasting);
        Assert.True(filter.TryAddTemporary(Rule("allow tcp 22"), TimeSpan.FromHours(1)));
        Assert.True(filter.TryAddTemporary(Rule("allow tcp 80"), null));
        lasting.Slept = TimeSpan.FromMinutes(50);
        time.Advance(TimeSpan.FromMinutes(9));
        Assert.Equal(60, filter.List()[0].TimeLeft!.Value.TotalSeconds);
        Assert.InRange(filter.Tend(time.GetTimestamp()), time.GetTimestamp(), time.GetTimestamp() + TimeSpan.FromMinutes(1).Ticks);
        Assert.Equal(2, filter.List().Count);
        lasting.Slept = TimeSpan.FromMinutes(51);
        filter.Tend(time.GetTimestamp());
        Assert.Null(Assert.Single(filter.List()).TimeLeft);
    }

    [Fact]
    public void A_newer_temporary_rule_about_the_same_packets_takes_the_place_of_the_older()
    {
        FilteredDevice device = new(null);
        device.Filter.TryAddTemporary(Rule("allow tcp 22"), null);
        device.Filter.TryAddTemporary(Rule("deny tcp 22"), TimeSpan.FromHours(1));
        FilterRuleState only = Assert.Single(device.Filter.List());
        Assert.Equal((FilterAction.Deny, FilterLayer.Temporary), (only.Rule.Action, only.Layer));
        Assert.Equal(0, device.Filter.RemoveTemporary(Rule("allow tcp 22"), sameAction: true));
        Assert.Equal(0, device.Filter.RemoveTemporary(Rule("allow tcp 22 nas"), sameAction: false));
        Assert.Equal(1, device.Filter.RemoveTemporary(Rule("allow tcp 22"), sameAction: false));
        Assert.Empty(device.Filter.List());
    }

    [Fact]
    public void The_number_of_temporary_rules_has_a_limit()
    {
        FilteredDevice device = new(null);
        for (int port = 1; port <= FilterRule.MaxRules; port++)
        {
            Assert.True(device.Filter.TryAddTemporary(Rule($"allow tcp {port}"), null));
        }

        Assert.False(device.Filter.TryAddTemporary(Rule("allow tcp 1000"), null));
        Assert.True(device.Filter.TryAddTemporary(Rule("deny tcp 7"), null));
    }

    [Fact]
    public void A_rule_is_about_whoever_has_the_name_now()
    {
        FilteredDevice device = new(null, Rule("allow tcp 22 nas"));
        FilterPeer first = device.Filter.Join("1", "NAS"), second = device.Filter.Join("2", "laptop");
        byte[] syn = FilterBytes.Tcp(Them, Us, 40000, 22, FilterBytes.Syn);
        Assert.True(device.In(first, syn));
        Assert.False(device.In(second, syn));
        device.Filter.Join("1", "old-nas");
        Assert.False(Assert.Single(device.Filter.List()).IsSourceKnown);
        device.Filter.Join("2", "nas");
        Assert.False(device.In(first, syn));
        Assert.True(device.In(second, syn));
        Assert.True(Assert.Single(device.Filter.List()).IsSourceKnown);
    }

    [Fact]
    public void A_group_is_whoever_belongs_to_it_now()
    {
        ChosenGroups groups = new();
        FilteredDevice device = new(groups, null, Rule("allow tcp 22 group:ops"), Rule("deny tcp 22"));
        FilterPeer nas = device.Peer("nas"), laptop = device.Peer("laptop");
        byte[] syn = FilterBytes.Tcp(Them, Us, 40000, 22, FilterBytes.Syn);
        Assert.False(device.In(nas, syn));
        groups.Set("ops", "id of nas");
        device.Filter.NoteGroups();
        Assert.True(device.In(nas, syn));
        Assert.False(device.In(laptop, syn));
        groups.Set("ops");
        device.Filter.NoteGroups();
        Assert.False(device.In(nas, syn));
    }

    [Theory]
    [InlineData("deny tcp 22 group:ops|allow tcp 22 nas", "", true)]
    [InlineData("allow tcp 22 group:ops|deny tcp 22 nas", "", false)]
    [InlineData("allow tcp 22 group:ops|deny tcp 22", "", true)]
    [InlineData("deny tcp 22 group:ops|allow tcp 22", "", false)]
    [InlineData("deny tcp 22 group:ops|allow tcp 22 group:staff", "", false)]
    [InlineData("deny tcp 22 group:guests|allow tcp 22 group:ops", "", true)]
    [InlineData("allow tcp 22 nas", "deny tcp 22 group:ops", false)]
    [InlineData("allow tcp 22 group:ops", "deny tcp 22 group:guests", true)]
    public void A_rule_about_a_group_gives_way_to_one_about_the_peer_and_goes_before_one_about_everybody(string own, string mesh, bool passes)
    {
        ChosenGroups groups = new();
        groups.Set("ops", "id of nas", "id of laptop");
        groups.Set("staff", "id of nas");
        groups.Set("guests", "id of laptop");
        FilteredDevice device = new(groups, true, Rules(own));
        device.Filter.SetMesh(null, Rules(mesh), []);
        Assert.Equal(passes, device.In(device.Peer("nas"), FilterBytes.Tcp(Them, Us, 40000, 22, FilterBytes.Syn)));
    }

    [Fact]
    public void Packets_are_counted_by_rule_and_what_is_dropped_by_protocol_and_peer()
    {
        FilteredDevice device = new(null, Rule("allow udp 53"), Rule("deny tcp 22"));
        FilterPeer nas = device.Peer("nas"), laptop = device.Peer("laptop");
        byte[] dns = FilterBytes.Udp(Them, Us, 40000, 53), plain = FilterBytes.Tcp(Them, Us, 40000, 22, FilterBytes.Ack);
        device.InRun(nas, dns, dns, dns, plain, plain, FilterBytes.Udp(Them, Us, 1, 2), dns);
        device.InRun(laptop, plain, FilterBytes.Ip(Them, Us, 47, new byte[20]), FilterBytes.Icmp(Them, Us, 5));
        Assert.Equal([("53", 4L), ("22", 3L)], device.Filter.List().Select(r => (r.Rule.Ports.ToString(), r.Hits)));
        Assert.Equal(
            [new FilterDrops("tcp", "laptop", 1), new FilterDrops("icmp", "laptop", 1), new FilterDrops("other", "laptop", 1), new FilterDrops("tcp", "nas", 2), new FilterDrops("udp", "nas", 1)],
            device.Filter.Drops());
    }

    [Fact]
    public void Rules_that_stay_keep_their_counts()
    {
        FilteredDevice device = new(null);
        device.Filter.SetMesh(null, [Rule("allow udp 53")], []);
        device.In(device.Peer("nas"), FilterBytes.Udp(Them, Us, 40000, 53));
        device.Filter.SetMesh(null, [Rule("allow tcp 80"), Rule("allow udp 53")], []);
        Assert.Equal([0L, 1L], device.Filter.List().Select(r => r.Hits));
    }

    [Fact]
    public void A_rule_taken_away_ends_what_it_let_in_at_once()
    {
        FilteredDevice device = new(null);
        FilterPeer nas = device.Peer("nas");
        byte[] query = FilterBytes.Udp(Them, Us, 40000, 53), answer = FilterBytes.Udp(Us, Them, 53, 40000);
        byte[] segment = FilterBytes.Tcp(Them, Us, 40000, 22, FilterBytes.Ack), back = FilterBytes.Tcp(Us, Them, 22, 40000, FilterBytes.Ack);
        device.Filter.TryAddTemporary(Rule("allow any 1-1000"), null);
        Assert.Equal([true, true], device.InRun(nas, query, segment));
        device.Out(nas, answer);
        device.Out(nas, back);
        device.Filter.RemoveTemporary(Rule("allow any 1-1000"), true);
        // What still goes out is no flow of ours.
        device.Out(nas, answer);
        device.Out(nas, back);
        device.Time.Advance(TimeSpan.FromSeconds(100));
        device.Out(nas, answer);
        device.Out(nas, back);
        Assert.Equal([false, false], device.InRun(nas, query, segment));
    }

    [Fact]
    public void Everything_passes_where_nothing_is_filtered_and_nothing_is_remembered()
    {
        FilteredDevice device = new(false);
        FilterPeer nas = device.Peer("nas");
        device.Out(nas, FilterBytes.Udp(Us, Them, 40000, 53));
        Assert.True(device.In(nas, FilterBytes.Ip(Them, Us, 47, new byte[20])));
        Assert.Equal((0, 0), device.Filter.Flows);
    }

    [Fact]
    public void Connections_from_before_the_filter_are_taken_in_where_this_side_is_the_client()
    {
        FilteredDevice device = new(false);
        FilterPeer nas = device.Peer("nas");
        device.Time.Advance(TimeSpan.FromHours(1));
        device.Filter.SetMesh(true, [Rule("deny tcp 45000")], []);
        foreach (int port in new[] { 22, 40000, 45000 })
        {
            device.Out(nas, FilterBytes.Tcp(Us, Them, port, 5000, FilterBytes.Ack));
        }

        Assert.False(device.In(nas, FilterBytes.Tcp(Them, Us, 5000, 22, FilterBytes.Ack)));
        Assert.True(device.In(nas, FilterBytes.Tcp(Them, Us, 5000, 40000, FilterBytes.Ack)));
        Assert.False(device.In(nas, FilterBytes.Tcp(Them, Us, 5000, 45000, FilterBytes.Ack)));
        device.Time.Advance(TimeSpan.FromMinutes(3));
        device.Out(nas, FilterBytes.Tcp(Us, Them, 40001, 5000, FilterBytes.Ack));
        Assert.False(device.In(nas, FilterBytes.Tcp(Them, Us, 5000, 40001, FilterBytes.Ack)));
    }

    [Fact]
    public void A_flow_is_one_of_its_device_only()
    {
        FilteredDevice device = new(null);
        FilterPeer nas = device.Peer("nas"), other = device.Peer("other");
        device.Out(nas, FilterBytes.Udp(Us, Them, 40000, 53));
        byte[] answer = FilterBytes.Udp(Them, Us, 53, 40000);
        Assert.False(device.In(other, answer));
        Assert.True(device.In(nas, answer));
    }

    [Fact]
    public void All_that_was_sent_is_noted_when_it_leaves()
    {
        FilteredDevice device = new(null);
        FilterPeer nas = device.Peer("nas"), other = device.Peer("other");
        for (int count = 1; count <= 5; count++)
        {
            int port = 1000 * count;
            device.Out(nas, [.. Enumerable.Range(0, count).Select(i => FilterBytes.Udp(Us, Them, 40000, port + i))]);
            byte[][] answers = [.. Enumerable.Range(0, count).Select(i => FilterBytes.Udp(Them, Us, port + i, 40000))];
            Assert.DoesNotContain(true, device.InRun(other, answers));
            Assert.DoesNotContain(false, device.InRun(nas, answers));
        }
    }

    [Fact]
    public void Nothing_is_allocated_for_packets()
    {
        FilteredDevice device = new(null, Rule("allow udp 1-1000"), Rule("deny udp 7 nas"));
        FilterPeer nas = device.Peer("nas");
        InboundGate inbound = new(device.Filter);
        OutboundGate outbound = new(device.Filter);
        byte[][] packets =
        [
            FilterBytes.Udp(Them, Us, 40000, 53), FilterBytes.Udp(Them, Us, 40000, 7), FilterBytes.Tcp(Them, Us, 40000, 7, FilterBytes.Syn),
            FilterBytes.Fragment(Them, Us, 17, 7, 0, true, FilterBytes.UdpHeader(1, 53)[..8]), FilterBytes.Icmp(Them, Us, 8),
        ];
        byte[] bytes = FilterBytes.Udp(Us, Them, 0, 53);
        int from = 0;
        Assert.Equal(0, Allocations.Least(Run));

        void Run()
        {
            int to = from + 1000;
            for (int i = from; i < to; i++)
            {
                (bytes[20], bytes[21]) = ((byte)(i >> 8), (byte)i);
                _ = IpPacket.TryParse(bytes, out IpPacket sent);
                outbound.Note(nas, sent, i);
                inbound.Begin(nas, i);
                foreach (byte[] one in packets)
                {
                    _ = IpPacket.TryParse(one, out IpPacket packet);
                    inbound.Admit(packet);
                }

                inbound.End();
            }
            from = to;
        }
    }

    private static FilterRule[] Rules(string text) => [.. text.Split('|', StringSplitOptions.RemoveEmptyEntries).Select(Rule)];
}
