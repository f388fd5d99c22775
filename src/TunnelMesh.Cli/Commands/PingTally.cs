using System.Globalization;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Cli.Commands;

/// <summary>Adds up pings, and has the words for them. One thread at a time.</summary>
internal sealed class PingTally
{
    private PingReport? _first, _last;
    private int _sent, _answered;
    private double _min = double.MaxValue, _max, _sum;

    /// <summary>True when at least one ping was answered.</summary>
    public bool AnyAnswer => _answered > 0;

    /// <summary>True when the last ping was answered over UDP.</summary>
    public bool IsDirect => _last is { Answered: true, Path: "udp" };

    /// <summary>True when at least one ping came to an end.</summary>
    public bool Any => _sent > 0;

    /// <summary>What there is to say when the last ping was to be answered directly and was not; null when it was, or none came to an end.</summary>
    public string? WhyNotDirect() => _last is null || IsDirect ? null
        : _last.DirectPossible ? $"{Name(_last)}: not reached directly; `tunnelmesh doctor {_last.Name}` says why"
        : $"{Name(_last)}: never reached directly, as `transports` here or there leaves udp out";

    /// <summary>Counts one ping.</summary>
    /// <returns>The line that tells of another path than that of the ping before; null for the same.</returns>
    public string? Add(PingReport ping)
    {
        PingReport? before = _last;
        (_first, _last) = (_first ?? ping, ping);
        _sent++;
        if (ping.RttMs is { } rtt)
        {
            (_min, _max, _sum) = (Math.Min(_min, rtt), Math.Max(_max, rtt), _sum + rtt);
            _answered++;
        }
        return before is null ? null
            : (before.Path, before.Endpoint) != (ping.Path, ping.Endpoint) ? $"{Name(ping)}: path changed from {Way(before.Path, before.Endpoint)} to {Way(ping.Path, ping.Endpoint)}"
            : ping.PathChanges > before.PathChanges ? string.Create(CultureInfo.InvariantCulture, $"{Name(ping)}: path changed {ping.PathChanges - before.PathChanges} times and is {Way(ping.Path, ping.Endpoint)} again")
            : null;
    }

    /// <summary>The line of one ping.</summary>
    public static string Line(PingReport ping) => ping is { Answered: true, RttMs: { } rtt }
        ? string.Create(CultureInfo.InvariantCulture, $"{Name(ping)}: {rtt:0.00} ms via {Way(ping.Path, ping.Endpoint)}")
        : $"{Name(ping)}: no answer{(ping.Path == "none" ? "" : $" via {Way(ping.Path, ping.Endpoint)}")}{(ping.Online ? "" : "; it is offline, as the coordinator told last")}";

    /// <summary>All together.</summary>
    public PingSummary Summary() => new()
    {
        Name = _last?.Name,
        MeshIp = _last?.MeshIp,
        DeviceId = _last?.DeviceId,
        Sent = _sent,
        Answered = _answered,
        Loss = _sent == 0 ? 0 : (_sent - _answered) / (double)_sent,
        MinMs = _answered > 0 ? _min : null,
        AvgMs = _answered > 0 ? _sum / _answered : null,
        MaxMs = _answered > 0 ? _max : null,
        Path = _last?.Path ?? "none",
        Endpoint = _last?.Endpoint,
        PathChanges = (_last?.PathChanges ?? 0) - (_first?.PathChanges ?? 0),
        Direct = IsDirect,
    };

    /// <summary>The summary for people.</summary>
    public static string Line(PingSummary all) => string.Create(CultureInfo.InvariantCulture,
        $"{(all.Name is null ? "" : $"{all.Name} ({all.MeshIp}): ")}{all.Sent} sent, {all.Answered} answered, {all.Loss * 100:0.#} % lost"
        + $"{(all.Answered > 0 ? FormattableString.Invariant($", min/avg/max {all.MinMs:0.00}/{all.AvgMs:0.00}/{all.MaxMs:0.00} ms") : "")}{(all.Path == "none" ? "" : $", path {Way(all.Path, all.Endpoint)}")}");

    private static string Name(PingReport ping) => $"{ping.Name} ({ping.MeshIp})";

    private static string Way(string path, string? endpoint) => path == "none" ? "no path" : endpoint is null ? path : $"{path} {endpoint}";
}
