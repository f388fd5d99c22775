using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Filter;
using TunnelMesh.Protocol.Filter;
using TunnelMesh.Simulation.Network;
using TunnelMesh.Simulation.Peers;

namespace TunnelMesh.Simulation.Scenarios;

/// <summary>A peer with a packet filter on networks that lose, double and reorder, over new sessions and new addresses.</summary>
public sealed class FilterTests
{
    private const ushort Client = 40000, Server = 9;

    [Fact]
    public void Answers_come_in_and_nothing_else_does_whatever_the_network_does() => Seeds.Each(20, seed =>
    {
        SimulatedMesh mesh = Filtered(seed, out _);
        mesh.SetLinks(new LinkConditions { Loss = 0.1, Duplication = 0.1, Reordering = 0.1, Jitter = TimeSpan.FromMilliseconds(20) });
        mesh.Repeat(200, TimeSpan.FromMilliseconds(20), i =>
        {
            Send(mesh.B, mesh.A, i, Client, Server);
            Send(mesh.A, mesh.B, 1000 + i, Server, Client);
            Send(mesh.A, mesh.B, 2000 + i, Client, Server);
            mesh.A.Ping(mesh.B, i, v6: i % 2 == 0);
        });
        mesh.Run(6);
        Assert.All(mesh.B.Numbers, n => Assert.InRange(n, 1000, 1199));
        Assert.InRange(mesh.B.Numbers.Count, 100, 200);
        Assert.InRange(mesh.A.Pongs.Count, 100, 200);
        Assert.InRange(mesh.B.Engine.Counters[DropReason.Filtered], 100, 300);
    });

    [Fact]
    public void A_flow_goes_on_over_a_new_address_and_a_new_session_and_ends_with_silence() => Seeds.Each(10, seed =>
    {
        SimulatedMesh mesh = Filtered(seed, out _);
        Send(mesh.B, mesh.A, 1, Client, Server);
        mesh.Run(1);
        mesh.A.Host.ChangeAddress(mesh.A.Host.Addresses[0], NetAddress.Parse("203.0.113.77"));
        Send(mesh.A, mesh.B, 1001, Server, Client);
        mesh.Run(1);
        // Past the life of a session.
        mesh.Run(200);
        Send(mesh.A, mesh.B, 1002, Server, Client);
        mesh.Run(2);
        Assert.Equal([1001, 1002], mesh.B.Numbers);
        mesh.Run(301);
        Send(mesh.A, mesh.B, 1003, Server, Client);
        mesh.Run(2);
        Assert.Equal([1001, 1002], mesh.B.Numbers);
    });

    [Fact]
    public void A_rule_holds_from_the_next_packet_on() => Seeds.Each(10, seed =>
    {
        SimulatedMesh mesh = Filtered(seed, out PacketFilter filter);
        FilterRule rule = new(new PortRange(Server, Server), FilterProtocol.Udp, FilterAction.Allow, FilterSource.Any);
        for (int i = 0; i < 10; i++)
        {
            Send(mesh.A, mesh.B, (2 * i) + 1, Client, Server);
            mesh.Run(0.5);
            filter.TryAddTemporary(rule, null);
            Send(mesh.A, mesh.B, (2 * i) + 2, Client, Server);
            mesh.Run(0.5);
            // The answer begins nothing.
            Send(mesh.B, mesh.A, 100 + i, Server, Client);
            mesh.Run(0.5);
            filter.RemoveTemporary(rule, sameAction: true);
        }

        Assert.Equal(Enumerable.Range(1, 10).Select(i => 2L * i), mesh.B.Numbers);
    });

    [Fact]
    public void A_member_of_a_group_is_let_in_for_as_long_as_it_is_one() => Seeds.Each(10, seed =>
    {
        Ops ops = new();
        SimulatedMesh mesh = Filtered(seed, out PacketFilter filter, ops);
        filter.SetOwn(true, [new FilterRule(new PortRange(Server, Server), FilterProtocol.Udp, FilterAction.Allow, new FilterSource(FilterSourceKind.Group, "ops"))]);
        for (int i = 0; i < 10; i++)
        {
            Send(mesh.A, mesh.B, (2 * i) + 1, Client, Server);
            mesh.Run(0.5);
            ops.Everyone = true;
            filter.NoteGroups();
            Send(mesh.A, mesh.B, (2 * i) + 2, Client, Server);
            mesh.Run(0.5);
            ops.Everyone = false;
            filter.NoteGroups();
        }

        Assert.Equal(Enumerable.Range(1, 10).Select(i => 2L * i), mesh.B.Numbers);
    });

    private sealed class Ops : IFilterGroups
    {
        public bool Everyone { get; set; }

        public bool IsMember(string group, string deviceId) => group == "ops" && Everyone;

        public bool Exists(string group) => group == "ops";
    }

    private static void Send(SimulatedPeer from, SimulatedPeer to, long number, ushort sourcePort, ushort destinationPort) =>
        from.Send(InnerPacket.Numbered(from.V4, to.V4, number, 200, sourcePort, destinationPort));

    // The second peer lets in what it has begun.
    private static SimulatedMesh Filtered(int seed, out PacketFilter filter, IFilterGroups? groups = null)
    {
        PacketFilter? made = null;
        SimulatedMesh mesh = new(seed, adjust: (number, options) => number == 2 ? options with { Filter = made ??= new PacketFilter(options.Time, options.Random, groups) } : options);
        filter = made!;
        mesh.Connect();
        mesh.Run(2);
        return mesh;
    }
}
