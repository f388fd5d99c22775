using TunnelMesh.Node.Control;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Cli.Hosting;

/// <summary>The streams to a coordinator, as `status` and others show them. Pure.</summary>
internal static class StreamReports
{
    /// <summary>The control stream.</summary>
    /// <param name="state">Its state.</param>
    /// <param name="silence">For how long it has been silent; null while it is not.</param>
    /// <param name="now">Wall clock.</param>
    public static CoordinatorReport Coordinator(ControlState state, TimeSpan? silence, DateTimeOffset now) => new()
    {
        Url = $"https://{state.Server}",
        State = state.Phase switch { ControlPhase.Connected => silence is null ? "connected" : "silent", ControlPhase.Connecting => "connecting", _ => "disconnected" },
        Since = state.Phase == ControlPhase.Connected && silence is { } time ? now - time : state.Since,
    };

    /// <summary>The relay stream: one that is silent is not called open.</summary>
    /// <param name="report">As it stands.</param>
    /// <param name="silence">For how long it has been silent; null while it is not.</param>
    /// <param name="now">Wall clock.</param>
    public static RelayReport Relay(RelayReport report, TimeSpan? silence, DateTimeOffset now) => silence is { } time && report.Open
        ? report with { Open = false, Silent = true, Since = now - time, RttMs = null, Problem = FormattableString.Invariant($"silent for {time.TotalSeconds:0} s") }
        : report;
}
