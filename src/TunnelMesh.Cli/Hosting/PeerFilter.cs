using System.Globalization;
using Microsoft.Extensions.Logging;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.Filter;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Platform.NetworkMonitor;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Filter;

namespace TunnelMesh.Cli.Hosting;

/// <summary>The packet filter of a running peer: follows configuration, map and command line, and ends what has an end. Any thread.</summary>
internal sealed class PeerFilter : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(365), Shortest = TimeSpan.FromSeconds(1);
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly bool _serves, _answersNames;
    private readonly MapGroups _groups = new();
    private readonly Lock _tending = new();
    private readonly ITimer _timer;
    private bool _disposed;

    /// <summary>Begins with what the configuration says.</summary>
    /// <param name="settings">The configuration.</param>
    /// <param name="serves">True when this device is a coordinator.</param>
    /// <param name="log">The log.</param>
    /// <param name="time">Clock.</param>
    /// <param name="lasting">Clock whose timestamps go on while the machine sleeps; null for <paramref name="time"/>.</param>
    public PeerFilter(Settings settings, bool serves, ILogger log, TimeProvider time, TimeProvider? lasting = null)
    {
        (_serves, _answersNames, _log, _time) = (serves, settings.AllowExitTraffic, log, time);
        Filter = new PacketFilter(time, groups: _groups, lasting: lasting);
        Take(settings);
        _timer = time.CreateTimer(_ => Tend(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Tend();
    }

    /// <summary>For the data plane.</summary>
    public PacketFilter Filter { get; }

    /// <summary>What the coordinator in this process tells every peer.</summary>
    public static MapFilter ForMesh(Settings settings) =>
        MeshRules.ToWire(settings.CoordinatorFilterDefaultDeny, settings.CoordinatorFilterRules, settings.CoordinatorServicePorts);

    /// <summary>Takes what the configuration says.</summary>
    public void Take(Settings settings) => Filter.SetOwn(settings.FilterDefaultDeny, settings.FilterRules);

    /// <summary>Takes what the coordinator says, and who is in which group.</summary>
    public void Take(NetworkMap map)
    {
        _groups.Take(map);
        Take(map.Filter ?? new MapFilter());
    }

    /// <summary>The map is another one. Before the data plane hears of it, so that devices that are new there are in their groups.</summary>
    public void Take(MapChange change)
    {
        _groups.Take(change.Map);
        if (change.FilterChanged)
        {
            Take(change.Map.Filter ?? new MapFilter());
        }
        else if (change.GroupsChanged)
        {
            Filter.NoteGroups();
        }
    }

    /// <summary>Takes what the coordinator in this process says from now on, before the map brings it.</summary>
    public void Take(MapFilter said)
    {
        IReadOnlyList<FilterRule> rules = MeshRules.Parse(said, out int refused);
        if (refused > 0)
        {
            _log.FilterRulesRefused(refused);
        }
        Filter.SetMesh(said.DefaultDeny, rules, _serves ? said.ServicePorts : [], _answersNames);
    }

    /// <summary>What is wrong with the time a temporary rule is to hold, without a full stop; null when nothing is.</summary>
    /// <param name="seconds">Seconds, or no number at all.</param>
    public static string? FaultOf(double seconds) => seconds >= Shortest.TotalSeconds && seconds <= Longest.TotalSeconds ? null : "expected a duration from 1s to 365d";

    /// <summary>All rules as they are now.</summary>
    public FilterReport Describe()
    {
        (int kept, long pushedOut) = Filter.Flows;
        return new FilterReport
        {
            DefaultDeny = Filter.DefaultDeny,
            Rules = [.. Filter.List().Select(r => new FilterRuleReport
            {
                Layer = r.Layer.ToString().ToLowerInvariant(),
                Port = r.Rule.Ports.ToString(),
                Protocol = r.Rule.ProtocolText,
                Action = r.Rule.ActionText,
                SourcePeer = r.Rule.Source.ToString(),
                SourceKnown = r.IsSourceKnown,
                TtlSeconds = r.TimeLeft?.TotalSeconds,
                Hits = r.Hits,
            })],
            Groups = _groups.Names,
            Flows = kept,
            FlowsPushedOut = pushedOut,
        };
    }

    /// <summary>Adds a temporary rule.</summary>
    /// <exception cref="LocalApiException">It is no rule, or there are too many.</exception>
    public FilterReport Add(FilterRuleRequest request)
    {
        FilterRule rule = Parse(request, request.Action);
        TimeSpan? holds = null;
        if (request.TtlSeconds is { } seconds)
        {
            holds = FaultOf(seconds) is { } fault ? throw new LocalApiException(LocalErrorCodes.BadRequest, $"ttl: {fault}.") : TimeSpan.FromSeconds(seconds);
        }
        if (!Filter.TryAddTemporary(rule, holds))
        {
            throw new LocalApiException(LocalErrorCodes.Failed, string.Create(CultureInfo.InvariantCulture,
                $"There are {FilterRule.MaxRules} temporary rules already. Remove some, join ports to ranges, or write rules into the configuration."));
        }
        Tend();
        (string port, string source) = (rule.Ports.ToString(), rule.Source.ToString());
        _log.FilterRuleAdded(rule.ActionText, rule.ProtocolText, port, source, holds);
        return Describe();
    }

    /// <summary>Removes a temporary rule.</summary>
    /// <exception cref="LocalApiException">It is no rule, or there is no such temporary one.</exception>
    public FilterReport Remove(FilterRuleRequest request)
    {
        FilterRule rule = Parse(request, request.Action ?? "allow");
        if (Filter.RemoveTemporary(rule, request.Action is not null) == 0)
        {
            FilterRuleState[] same = [.. Filter.List().Where(r => r.Rule.IsAboutSame(rule))];
            throw new LocalApiException(LocalErrorCodes.NotFound, same.FirstOrDefault(r => r.Layer == FilterLayer.Temporary) is { } other
                ? $"The temporary rule with this port, protocol and source peer has the action {other.Rule.ActionText}, not {rule.ActionText}. To remove it, leave --action out or say {other.Rule.ActionText}."
                : same.Length > 0
                ? "The rule is not a temporary one: it stands in the configuration of this peer or of the coordinator. Change it there, then run `tunnelmesh filter reload`."
                : "There is no such temporary rule. `tunnelmesh filter list` lists them; port, protocol and source peer have to be the same.");
        }
        (string port, string source) = (rule.Ports.ToString(), rule.Source.ToString());
        _log.FilterRuleRemoved(rule.ProtocolText, port, source);
        return Describe();
    }

    /// <summary>Looks, when the machine has slept, whether rules have ended meanwhile: the timer has stood still.</summary>
    public void OnNetwork(NetworkChanges changes)
    {
        if (changes.HasFlag(NetworkChanges.Resumed))
        {
            Tend();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_tending)
        {
            _disposed = true;
        }
        _timer.Dispose();
    }

    private static FilterRule Parse(FilterRuleRequest request, string? action) =>
        FilterRule.TryParse(request.Port, request.Protocol, action, request.SourcePeer, out FilterRule rule, out string problem)
            ? rule
            : throw new LocalApiException(LocalErrorCodes.BadRequest, problem + ".");

    private void Tend()
    {
        lock (_tending)
        {
            if (!_disposed)
            {
                long now = _time.GetTimestamp();
                TimeSpan wait = _time.GetElapsedTime(now, Filter.Tend(now));
                // Rounded up: a rule has its whole time.
                _timer.Change(TimeSpan.FromMilliseconds(Math.Clamp(Math.Ceiling(wait.TotalMilliseconds), 1, int.MaxValue)), Timeout.InfiniteTimeSpan);
            }
        }
    }
}
