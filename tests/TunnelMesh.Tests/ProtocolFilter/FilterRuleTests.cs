using TunnelMesh.Protocol.Filter;

namespace TunnelMesh.Tests.ProtocolFilter;

public class FilterRuleTests
{
    [Theory]
    [InlineData("22", "tcp", "allow", "laptop", 22, 22, FilterProtocol.Tcp, FilterAction.Allow, FilterSourceKind.Peer, "laptop")]
    [InlineData("8000-8100", "udp", "deny", "", 8000, 8100, FilterProtocol.Udp, FilterAction.Deny, FilterSourceKind.Any, "")]
    [InlineData("", "icmp", "deny", "group:ops_team", 0, 65535, FilterProtocol.Icmp, FilterAction.Deny, FilterSourceKind.Group, "ops_team")]
    [InlineData(null, null, "allow", null, 0, 65535, FilterProtocol.Any, FilterAction.Allow, FilterSourceKind.Any, "")]
    [InlineData("any", "any", "allow", "any", 0, 65535, FilterProtocol.Any, FilterAction.Allow, FilterSourceKind.Any, "")]
    [InlineData("22", "tcp", "allow", "ANY", 22, 22, FilterProtocol.Tcp, FilterAction.Allow, FilterSourceKind.Any, "")]
    [InlineData("1-65535", "any", "deny", "NAS", 1, 65535, FilterProtocol.Any, FilterAction.Deny, FilterSourceKind.Peer, "nas")]
    public void A_rule_is_what_was_written(
        string? port, string? protocol, string? action, string? source, int first, int last, FilterProtocol wanted, FilterAction does, FilterSourceKind kind, string name)
    {
        Assert.True(FilterRule.TryParse(port, protocol, action, source, out FilterRule rule, out string problem), problem);
        Assert.Equal(new FilterRule(new PortRange((ushort)first, (ushort)last), wanted, does, new FilterSource(kind, name)), rule);
        Assert.True(FilterRule.TryParse(rule.Ports.ToString(), rule.ProtocolText, rule.ActionText, rule.Source.ToString(), out FilterRule again, out _));
        Assert.Equal(rule, again);
    }

    [Theory]
    [InlineData("0", "tcp", "allow", "", "port: expected a port from 1 to 65535 or a range such as 8000-8100, found `0`")]
    [InlineData("65536", "tcp", "allow", "", "port: expected")]
    [InlineData("-1", "tcp", "allow", "", "port: expected")]
    [InlineData("90-80", "tcp", "allow", "", "port: expected")]
    [InlineData("1-2-3", "tcp", "allow", "", "port: expected")]
    [InlineData(" 22", "tcp", "allow", "", "port: expected")]
    [InlineData("22-", "tcp", "allow", "", "port: expected")]
    [InlineData("ssh", "tcp", "allow", "", "port: expected")]
    [InlineData("22", "TCP", "allow", "", "protocol: expected tcp, udp, icmp or any, found `TCP`")]
    [InlineData("22", "sctp", "allow", "", "protocol: expected")]
    [InlineData("22", "icmp", "allow", "", "port: ICMP has no ports")]
    [InlineData("22", "tcp", "", "", "action: expected allow or deny, found nothing")]
    [InlineData("22", "tcp", "drop", "", "action: expected allow or deny, found `drop`")]
    [InlineData("22", "tcp", "allow", "a b", "source_peer: expected a device name")]
    [InlineData("22", "tcp", "allow", "$(reboot)", "source_peer: expected")]
    [InlineData("22", "tcp", "allow", "a;b", "source_peer: expected")]
    [InlineData("22", "tcp", "allow", "`id`", "source_peer: expected")]
    [InlineData("22", "tcp", "allow", "../x", "source_peer: expected")]
    [InlineData("22", "tcp", "allow", "-x", "source_peer: expected")]
    [InlineData("22", "tcp", "allow", "a.b", "source_peer: expected")]
    [InlineData("22", "tcp", "allow", "group:", "source_peer: expected")]
    [InlineData("22", "tcp", "allow", "group:a|b", "source_peer: expected")]
    [InlineData("22", "tcp", "allow", "Group:a", "source_peer: expected")]
    [InlineData("22", "tcp", "allow", "müller", "source_peer: expected")]
    public void What_is_no_rule_is_refused_by_field(string port, string protocol, string action, string source, string expected)
    {
        Assert.False(FilterRule.TryParse(port, protocol, action, source, out _, out string problem));
        Assert.StartsWith(expected, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_shown_of_a_bad_rule_is_short_and_printable()
    {
        Assert.False(FilterRule.TryParse("22", "tcp", "allow", "\u001b[2J" + new string('x', 5000), out _, out string problem));
        Assert.DoesNotContain('\u001b', problem);
        Assert.InRange(problem.Length, 1, 250);
    }
}
