using System.Reflection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Cli.Commands;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.Filter;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Platform.NetworkMonitor;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Filter;
using TunnelMesh.Tests.NodeControl;
using TunnelMesh.Tests.NodeFilter;

namespace TunnelMesh.Tests.Cli;

public sealed class FilterCommandTests
{
    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData("--ttl: expected a duration such as 30m, 1h or 2d, found `soon`.", "filter", "add", "--port", "22", "--action", "allow", "--ttl", "soon")]
    [InlineData("--ttl: expected a duration from 1s to 365d, found `0`.", "filter", "add", "--port", "22", "--ttl", "0")]
    [InlineData("--ttl: expected a duration from 1s to 365d, found `1ms`.", "filter", "add", "--port", "22", "--ttl", "1ms")]
    [InlineData("--ttl: expected a duration from 1s to 365d, found `3650d`.", "filter", "add", "--port", "22", "--ttl", "3650d")]
    [InlineData("--port: expected a port from 1 to 65535 or a range such as 8000-8100, found `ssh`.", "filter", "add", "--port", "ssh", "--action", "allow")]
    [InlineData("--protocol: expected tcp, udp, icmp or any, found `gre`.", "filter", "remove", "--protocol", "gre")]
    [InlineData("--action: expected allow or deny, found `drop`.", "filter", "add", "--action", "drop")]
    [InlineData("--source-peer: expected a device name (letters, digits and hyphens), group:NAME, or nothing for every peer, found `a;b`.", "filter", "add", "--action", "allow", "--source-peer", "a;b")]
    [InlineData("A rule about everything that comes in from everybody needs --action.", "filter", "add")]
    [InlineData("A rule about everything that comes in from everybody needs --action.", "filter", "add", "--ttl", "1h")]
    public async Task A_rule_that_is_none_is_refused_before_anybody_is_asked(string expected, params string[] arguments)
    {
        using CommandLine cli = new();
        (int code, _, string error) = await cli.RunAsync(arguments);
        Assert.Equal((int)ExitCode.Usage, code);
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("allow", "filter", "add", "--port", "22")]
    [InlineData("deny", "filter", "add", "--port", "22", "--action", "deny")]
    [InlineData(null, "filter", "remove", "--port", "22")]
    public async Task A_rule_without_an_action_allows_and_one_is_removed_whatever_it_does(string? action, params string[] arguments)
    {
        using CommandLine cli = new();
        ILocalApiHandler peer = RuleTaker.Make(out RuleTaker taken);
        await using LocalApiServer server = LocalApiServer.Start(peer, Path.Combine(cli.Home, "default.sock"), TimeProvider.System);
        (int code, _, string error) = await cli.RunAsync(arguments);
        Assert.Equal((0, ""), (code, error));
        Assert.Equal(("22", action), (taken.Rule?.Port, taken.Rule?.Action));
    }

    [Fact]
    public void Temporary_rules_are_added_listed_and_end_by_themselves()
    {
        using PeerFilter filter = new(ConfigReader.Read("filter:\n  rules:\n  - {port: 80, protocol: tcp, action: allow}\n", "c.yaml"), serves: false, NullLogger.Instance, _time);
        FilterReport report = filter.Add(new FilterRuleRequest { Port = "22", Protocol = "tcp", Action = "allow", SourcePeer = "Laptop", TtlSeconds = 3600 });
        Assert.Equal(["peer 80 allow  ", "temporary 22 allow laptop 3600"], report.Rules.Select(r => $"{r.Layer} {r.Port} {r.Action} {r.SourcePeer} {r.TtlSeconds}"));
        using StringWriter output = new();
        FilterCommand.Print(report, output);
        Assert.Matches(@"LAYER\s+ACTION\s+PROTOCOL\s+PORT\s+SOURCE\s+TTL\s+HITS", output.ToString());
        Assert.Matches(@"temporary\s+allow\s+tcp\s+22\s+laptop \(unknown\)\s+1 h 0 min\s+0", output.ToString());
        Assert.EndsWith("Everything else that other peers begin is dropped, echo and errors of ICMP apart.\n", output.ToString(), StringComparison.Ordinal);
        _time.Advance(TimeSpan.FromSeconds(3599));
        Assert.Equal(2, filter.Describe().Rules.Count);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("peer", Assert.Single(filter.Describe().Rules).Layer);
    }

    [Fact]
    public void A_temporary_rule_that_ended_while_the_machine_slept_goes_when_it_wakes()
    {
        SleepingTime lasting = new(_time);
        using PeerFilter filter = new(ConfigReader.Read("", "c.yaml"), serves: false, NullLogger.Instance, _time, lasting);
        filter.Add(new FilterRuleRequest { Port = "22", Protocol = "tcp", Action = "allow", TtlSeconds = 3600 });
        lasting.Slept = TimeSpan.FromHours(8);
        // Timers have slept, too.
        filter.OnNetwork(NetworkChanges.Addresses);
        Assert.Equal(0, Assert.Single(filter.Describe().Rules).TtlSeconds);
        filter.OnNetwork(NetworkChanges.Addresses | NetworkChanges.Resumed);
        Assert.Empty(filter.Describe().Rules);
    }

    [Fact]
    public void What_cannot_be_added_or_removed_says_why()
    {
        using PeerFilter filter = new(ConfigReader.Read("filter:\n  default_deny: false\n  rules:\n  - {port: 80, protocol: tcp, action: allow}\n", "c.yaml"), serves: true, NullLogger.Instance, _time);
        Assert.Contains("ttl: expected", Refused(() => filter.Add(new FilterRuleRequest { Action = "allow", TtlSeconds = 0.5 }), LocalErrorCodes.BadRequest), StringComparison.Ordinal);
        Assert.Contains("action: expected", Refused(() => filter.Add(new FilterRuleRequest { Port = "22" }), LocalErrorCodes.BadRequest), StringComparison.Ordinal);
        Assert.Contains("not a temporary one", Refused(() => filter.Remove(new FilterRuleRequest { Port = "80", Protocol = "tcp" }), LocalErrorCodes.NotFound), StringComparison.Ordinal);
        filter.Add(new FilterRuleRequest { Port = "5555", Protocol = "tcp", Action = "deny" });
        Assert.Equal("The temporary rule with this port, protocol and source peer has the action deny, not allow. To remove it, leave --action out or say deny.",
            Refused(() => filter.Remove(new FilterRuleRequest { Port = "5555", Protocol = "tcp", Action = "allow" }), LocalErrorCodes.NotFound));
        filter.Remove(new FilterRuleRequest { Port = "5555", Protocol = "tcp", Action = "deny" });
        Assert.Contains("no such temporary rule", Refused(() => filter.Remove(new FilterRuleRequest { Port = "81" }), LocalErrorCodes.NotFound), StringComparison.Ordinal);
        for (int port = 1; port <= 256; port++)
        {
            filter.Add(new FilterRuleRequest { Port = $"{port}", Action = "allow" });
        }
        Assert.Contains("256 temporary rules already", Refused(() => filter.Add(new FilterRuleRequest { Port = "300", Action = "allow" }), LocalErrorCodes.Failed), StringComparison.Ordinal);
        Assert.False(filter.Describe().DefaultDeny);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(-1e300)]
    public void What_is_no_time_at_all_is_no_time_for_a_rule(double seconds)
    {
        using PeerFilter filter = new(ConfigReader.Read("", "c.yaml"), serves: false, NullLogger.Instance, _time);
        Assert.Contains("from 1s to 365d", Refused(() => filter.Add(new FilterRuleRequest { Action = "allow", TtlSeconds = seconds }), LocalErrorCodes.BadRequest), StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_coordinator_in_this_process_says_holds_before_the_map_brings_it()
    {
        using PeerFilter filter = new(ConfigReader.Read("", "c.yaml"), serves: true, NullLogger.Instance, _time);
        Settings said = ConfigReader.Read("coordinator:\n  service_ports: [9443]\n  filter:\n    default_deny: false\n    rules:\n    - {port: 7000, protocol: tcp, action: deny}\n", "c.yaml");
        filter.Take(PeerFilter.ForMesh(said));
        Assert.Equal(["coordinator 7000 deny", "service 9443 allow"], filter.Describe().Rules.Select(r => $"{r.Layer} {r.Port} {r.Action}").Order(StringComparer.Ordinal));
        Assert.False(filter.Describe().DefaultDeny);
        filter.Take(PeerFilter.ForMesh(ConfigReader.Read("coordinator:\n  service_ports: []\n", "c.yaml")));
        Assert.Empty(filter.Describe().Rules);
    }

    [Fact]
    public void Rules_about_groups_follow_the_map()
    {
        using PeerFilter filter = new(ConfigReader.Read("filter:\n  rules:\n  - {port: 22, protocol: tcp, action: allow, source_peer: 'group:ops'}\n", "c.yaml"), serves: false, NullLogger.Instance, _time);
        KeyPins pins = new(new Dictionary<string, string>(), _ => { });
        DateTimeOffset now = DateTimeOffset.UnixEpoch.AddYears(50);
        MapDevice device = NetworkMapTests.Device("a", 1);
        Assert.False(Assert.Single(filter.Describe().Rules).SourceKnown);
        MapChange change = NetworkMap.FromFull(NetworkMapTests.Full(device) with { Groups = [] }, new byte[32], null, pins, now);
        filter.Take(change.Map);
        FilterPeer peer = filter.Filter.Join(device.Id, "a");
        Assert.Equal((false, false), (Known(), LetsIn()));
        Apply(new MapDelta { Epoch = "e", From = 5, Number = 6, Groups = ["ops"] });
        Assert.Equal((true, false), (Known(), LetsIn()));
        Assert.Equal(["everyone", "ops"], filter.Describe().Groups);
        Apply(new MapDelta { Epoch = "e", From = 6, Number = 7, Presence = [new PresenceChange { Id = device.Id, Online = true, LastSeen = 1, Groups = ["ops"] }] });
        Assert.Equal((true, true), (Known(), LetsIn()));
        Apply(new MapDelta { Epoch = "e", From = 7, Number = 8, Filter = new MapFilter { Rules = [new MapFilterRule { Action = "deny", SourcePeer = "group:ops" }] } });
        Assert.False(LetsIn());
        Apply(new MapDelta { Epoch = "e", From = 8, Number = 9, Filter = new MapFilter() });
        Assert.True(LetsIn());
        Apply(new MapDelta { Epoch = "e", From = 9, Number = 10, Groups = [], Presence = [new PresenceChange { Id = device.Id, Online = true, LastSeen = 1, Groups = [] }] });
        Assert.Equal((false, false), (Known(), LetsIn()));

        bool Known() => filter.Describe().Rules[^1].SourceKnown;

        bool LetsIn() => peer.Rules.Decide(PacketKind.Tcp, 22).Allows;

        void Apply(MapDelta delta)
        {
            change = change.Map.Apply(delta, pins, now);
            filter.Take(change);
        }
    }

    [Fact]
    public void A_filter_without_rules_says_what_holds()
    {
        using StringWriter output = new();
        FilterCommand.Print(new FilterReport { DefaultDeny = false, Rules = [], Groups = [], Flows = 0, FlowsPushedOut = 0 }, output);
        Assert.Equal("Everything else passes.\n", output.ToString());
    }

    private static string Refused(Action action, string code)
    {
        LocalApiException e = Assert.Throws<LocalApiException>(action);
        Assert.Equal(code, e.Code);
        return e.Message;
    }

    /// <summary>Takes rules as a peer does, and keeps the last.</summary>
    public class RuleTaker : DispatchProxy
    {
        public FilterRuleRequest? Rule { get; private set; }

        internal static ILocalApiHandler Make(out RuleTaker taker)
        {
            ILocalApiHandler made = Create<ILocalApiHandler, RuleTaker>();
            taker = (RuleTaker)made;
            return made;
        }

        /// <inheritdoc/>
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            Rule = (FilterRuleRequest)args![0]!;
            return new FilterReport { DefaultDeny = true, Rules = [], Flows = 0, FlowsPushedOut = 0, Groups = [] };
        }
    }
}
