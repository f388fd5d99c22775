using TunnelMesh.Node.Filter;
using TunnelMesh.Protocol.Filter;

namespace TunnelMesh.Tests.NodeFilter;

public class CompiledRulesTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Every_port_has_the_verdict_that_the_rules_say(int seed)
    {
        Random random = new(seed);
        for (int round = 0; round < 20; round++)
        {
            ActiveRule[] rules = [.. Enumerable.Range(0, random.Next(60)).Select(_ => new ActiveRule(RandomRule(random), (FilterLayer)random.Next(4))).OrderBy(r => r.Layer)];
            bool deny = random.Next(2) == 0;
            CompiledRules compiled = new(rules, deny);
            foreach (PacketKind kind in new[] { PacketKind.Tcp, PacketKind.Udp, PacketKind.Icmp, PacketKind.Other })
            {
                for (int port = 0; port <= ushort.MaxValue; port += port is > 300 and < 65_000 ? 499 : 1)
                {
                    bool expected = FilterOracle.Says([.. rules.Select(r => (r.Layer, r.Rule))], kind, (ushort)port, deny);
                    Assert.True(expected == compiled.Decide(kind, (ushort)port).Allows, $"{kind} {port}");
                }
            }
        }
    }

    // All of them about the very peer, as those that are not do not come here.
    private static FilterRule RandomRule(Random random)
    {
        FilterProtocol protocol = (FilterProtocol)random.Next(4);
        int first = random.Next(4) == 0 ? random.Next(65_000, 65_536) : random.Next(1, 300);
        PortRange ports = protocol == FilterProtocol.Icmp || random.Next(5) == 0 ? PortRange.All : new PortRange((ushort)first, (ushort)Math.Min(65_535, first + random.Next(100)));
        return new FilterRule(ports, protocol, (FilterAction)random.Next(2), new FilterSource((FilterSourceKind)random.Next(3), "nas"));
    }
}
