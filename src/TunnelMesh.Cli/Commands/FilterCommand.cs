using System.CommandLine;
using System.Globalization;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Protocol.Filter;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>filter list|add|remove|reload</c>: which traffic of other peers this one lets in.</summary>
internal static class FilterCommand
{
    // A filter that drops everything leaves little else to be added.
    private const string DefaultAction = "allow";

    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext commands) => new("filter", "Show or change which traffic of other peers the running peer lets in")
    {
        List(commands), Add(commands), Remove(commands), Reload(commands),
    };

    /// <summary>One line a rule, layer by layer, and what holds where no rule does.</summary>
    internal static void Print(FilterReport filter, TextWriter output)
    {
        if (filter.Rules.Count > 0)
        {
            HumanTable.Print(["LAYER", "ACTION", "PROTOCOL", "PORT", "SOURCE", "TTL", "HITS"], filter.Rules.Select(r => new[]
            {
                r.Layer, r.Action, r.Protocol, r.Port.Length == 0 ? "any" : r.Port,
                r.SourcePeer.Length == 0 ? "any" : r.SourceKnown ? r.SourcePeer : r.SourcePeer + " (unknown)",
                r.TtlSeconds is { } left ? HumanText.Duration(TimeSpan.FromSeconds(Math.Ceiling(left))) : "",
                r.Hits.ToString(CultureInfo.InvariantCulture),
            }), output);
        }
        output.WriteLine(filter.DefaultDeny
            ? "Everything else that other peers begin is dropped, echo and errors of ICMP apart."
            : "Everything else passes.");
    }

    private static Command List(CommandContext commands) =>
        Asks(commands, new Command("list", "Show all rules: where they come from, how long they hold, how many packets they have decided"), LocalCommands.Filter, _ => null);

    private static Command Add(CommandContext commands)
    {
        RuleOptions rule = new(DefaultAction);
        Option<string?> ttl = new("--ttl") { Description = "How long the rule holds, such as 30m, 1h or 2d, 365d at most (default: until the peer ends)", HelpName = "DURATION" };
        Command command = new("add", "Add a temporary rule, which is gone when the peer ends; for lasting ones see filter.rules in the configuration") { rule.Port, rule.Protocol, rule.Action, ttl, rule.SourcePeer };
        return Asks(commands, command, LocalCommands.FilterAdd, parsed => rule.ReadMeant(parsed) with { Action = parsed.GetValue(rule.Action) ?? DefaultAction, TtlSeconds = Seconds(parsed.GetValue(ttl)) });
    }

    private static Command Remove(CommandContext commands)
    {
        RuleOptions rule = new("any");
        Command command = new("remove", "Remove a temporary rule: the one with this port, protocol and source peer") { rule.Port, rule.Protocol, rule.Action, rule.SourcePeer };
        return Asks(commands, command, LocalCommands.FilterRemove, rule.Read);
    }

    private static Command Reload(CommandContext commands) =>
        Asks(commands, new Command("reload", "Have the running peer read the rules in its configuration again; a coordinator tells every peer, and reads who the admins are"), LocalCommands.FilterReload, _ => null);

    private static Command Asks(CommandContext commands, Command command, string ask, Func<ParseResult, FilterRuleRequest?> rule) => QueryCommand.Asks(
        commands,
        command,
        (client, parsed, cancellation) => client.FilterAsync(ask, rule(parsed), cancellation),
        LocalApiJson.Default.FilterReport,
        (filter, _, output) => Print(filter, output),
        parsed => _ = rule(parsed));

    private static double? Seconds(string? text) => text is null ? null
        : Quantities.TryParseDuration(text, out TimeSpan ttl) ? ttl.TotalSeconds
        : throw new HostException(ExitCode.Usage, $"--ttl: expected a duration such as 30m, 1h or 2d, found `{text}`.");

    private sealed class RuleOptions(string actionByDefault)
    {
        public Option<string?> Port { get; } = new("--port") { Description = "Port at this device, or a range such as 8000-8100 (default: every port)", HelpName = "PORT" };
        public Option<string?> Protocol { get; } = new("--protocol") { Description = "tcp, udp, icmp or any (default: any)", HelpName = "PROTOCOL" };
        public Option<string?> Action { get; } = new("--action") { Description = $"allow or deny (default: {actionByDefault})", HelpName = "ACTION" };
        public Option<string?> SourcePeer { get; } = new("--source-peer") { Description = "Only what comes from this peer, or from the members of group:NAME (default: every peer)", HelpName = "PEER" };

        // One about everything has to be meant: a forgotten flag would open all ports to everybody.
        public FilterRuleRequest ReadMeant(ParseResult parsed) => Read(parsed) is { Action: null, Port: null, Protocol: null, SourcePeer: null }
            ? throw new HostException(ExitCode.Usage, "A rule about everything that comes in from everybody needs --action. Else name a --port, --protocol or --source-peer.")
            : Read(parsed);

        public FilterRuleRequest Read(ParseResult parsed)
        {
            FilterRuleRequest request = new()
            {
                Port = parsed.GetValue(Port),
                Protocol = parsed.GetValue(Protocol),
                Action = parsed.GetValue(Action),
                SourcePeer = parsed.GetValue(SourcePeer),
            };
            // Said before a peer is asked, which may not be there.
            return FilterRule.TryParse(request.Port, request.Protocol, request.Action ?? "allow", request.SourcePeer, out _, out string problem) ? request : throw new HostException(ExitCode.Usage, $"--{problem.Replace("source_peer", "source-peer", StringComparison.Ordinal)}.");
        }
    }
}
