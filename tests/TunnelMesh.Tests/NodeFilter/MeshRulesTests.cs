using TunnelMesh.Node.Filter;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Filter;
using TunnelMesh.Protocol.Packets;
using TunnelMesh.Tests.ProtocolFilter;

namespace TunnelMesh.Tests.NodeFilter;

public class MeshRulesTests
{
    // ACTION PROTOCOL PORT SOURCE, with - for nothing, as a coordinator sends it.
    private static MapFilter Said(string rules) => new()
    {
        Rules = [.. rules.Split('|', StringSplitOptions.RemoveEmptyEntries).Select(r => r.Split(' ').Select(f => f == "-" ? "" : f).ToArray())
            .Select(f => new MapFilterRule { Action = f[0], Protocol = f[1], Port = f[2], SourcePeer = f[3] })],
    };

    private static string Text(IEnumerable<FilterRule> rules) =>
        string.Join('|', rules.Select(r => string.Join(' ', new[] { r.ActionText, r.ProtocolText, r.Ports.ToString(), r.Source.ToString() }.Select(f => f.Length == 0 ? "-" : f))));

    [Theory]
    [InlineData("deny tcp 22 guest|allow udp 53 -", "deny tcp 22 guest|allow udp 53 -", 0)]
    // An allow that cannot be read opens nothing by being left out.
    [InlineData("allow sctp 22 -|allow tcp 22-x -|allow tcp 22 $(id)|allow icmp 7 -", "", 4)]
    [InlineData("deny sctp 22 guest", "deny any - guest", 1)]
    [InlineData("deny tcp http guest", "deny tcp - guest", 1)]
    [InlineData("deny icmp 7 group:ops", "deny icmp - group:ops", 1)]
    [InlineData("perhaps tcp 22 guest", "deny tcp 22 guest", 1)]
    [InlineData("- - - -", "deny any - -", 1)]
    [InlineData("deny tcp 22 role:guest", "deny tcp 22 -", 1)]
    [InlineData("log sctp http role:guest", "deny any - -", 1)]
    // Nor may an allow that counts more than a deny about everybody open it.
    [InlineData("allow tcp 22 nas|deny tcp 20-30 role:guest|allow any - group:ops|deny udp 1 nas",
        "allow tcp 22 nas|allow any - group:ops|deny udp 1 nas|deny tcp 20-30 nas|deny tcp 20-30 group:ops|deny tcp 20-30 -", 1)]
    [InlineData("deny tcp 22 role:a|deny tcp 22 role:b|deny tcp 22 -", "deny tcp 22 -", 2)]
    public void What_cannot_be_read_opens_nothing(string said, string expected, int refused)
    {
        Assert.Equal(expected, Text(MeshRules.Parse(Said(said), out int count)));
        Assert.Equal(refused, count);
    }

    [Theory]
    [InlineData("allow tcp 22 nas|deny tcp 22 role:guest")]
    [InlineData("allow tcp 22 group:everyone|deny sctp 22 role:guest")]
    [InlineData("allow tcp 22 nas|deny sctp 22 nas")]
    [InlineData("allow tcp 22 -|never tcp 22 -")]
    public void The_filter_drops_what_such_a_rule_may_be_about(string said)
    {
        FilteredDevice device = new(false);
        device.Filter.SetMesh(false, MeshRules.Parse(Said(said), out _), []);
        Assert.False(device.In(device.Peer("nas"), FilterBytes.Tcp("10.42.0.2", "10.42.0.1", 40000, 22, FilterBytes.Syn)));
    }

    [Fact]
    public void Of_too_many_rules_those_that_deny_stay()
    {
        MapFilterRule[] allows = [.. Enumerable.Range(1, 400).Select(i => new MapFilterRule { Port = $"{i}", Action = "allow" })];
        MapFilterRule[] denies = [.. Enumerable.Range(1, 200).Select(i => new MapFilterRule { Port = $"{i}", Action = "deny" })];
        IReadOnlyList<FilterRule> rules = MeshRules.Parse(new MapFilter { Rules = allows }, out int refused);
        Assert.Equal((FilterRule.MaxRules, 400 - FilterRule.MaxRules), (rules.Count, refused));
        Assert.Equal("1", rules[0].Ports.ToString());
        rules = MeshRules.Parse(new MapFilter { Rules = [.. allows, .. denies] }, out refused);
        Assert.Equal((FilterRule.MaxRules, 600 - FilterRule.MaxRules), (rules.Count, refused));
        Assert.Equal(200, rules.Count(r => r.Action == FilterAction.Deny));
        rules = MeshRules.Parse(new MapFilter { Rules = [.. denies, .. denies.Select(d => d with { SourcePeer = "nas" }), allows[0]] }, out refused);
        Assert.Equal(("deny any - -", 401), (Text(rules), refused));
        // So many that to write them out would take a while.
        rules = MeshRules.Parse(new MapFilter { Rules = [.. Enumerable.Range(1, 10_000).SelectMany(i => (MapFilterRule[])[new() { Action = "allow", SourcePeer = $"d{i}" }, new() { Action = "deny", Port = $"{i}", SourcePeer = "role:x" }])] }, out refused);
        Assert.Equal(("deny any - -", 20_000), (Text(rules), refused));
    }
}
