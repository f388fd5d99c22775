using System.CommandLine;
using System.Runtime.InteropServices;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>ping PEER</c>: round trips inside the tunnel, and over which path.</summary>
internal static class PingCommand
{
    /// <summary>What it is called on the command line.</summary>
    internal const string Name = "ping";

    private static readonly TimeSpan UntilDirectFor = TimeSpan.FromSeconds(30), Shortest = TimeSpan.FromMilliseconds(10);

    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext commands)
    {
        Argument<string> peer = new("peer") { Description = "Name, mesh address or device ID" };
        Option<int?> count = new("--count") { Description = "How many pings (default: until Ctrl-C)", HelpName = "N" };
        Option<string> interval = new("--interval") { Description = "From one ping to the next", HelpName = "DURATION", DefaultValueFactory = _ => "1s" };
        Option<string?> timeout = new("--timeout") { Description = "End after this long (default: never; 30s with --until-direct)", HelpName = "DURATION" };
        Option<bool> untilDirect = new("--until-direct") { Description = "End with 0 once an answer comes directly over UDP, with 1 when none does in time" };
        Option<string> context = commands.ContextOption();
        Option<bool> json = QueryCommand.Json();
        Command command = new(Name, "Measure the way to a device inside the tunnel") { peer, count, interval, timeout, untilDirect, context, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            bool until = parsed.GetValue(untilDirect);
            PingOptions options = new()
            {
                Count = parsed.GetValue(count) is { } n ? n > 0 ? n : throw new HostException(ExitCode.Usage, "--count takes a number from 1 on.") : null,
                Interval = Duration("--interval", parsed.GetValue(interval)!, Shortest),
                Timeout = parsed.GetValue(timeout) is { } text ? Duration("--timeout", text, Shortest) : until ? UntilDirectFor : null,
                UntilDirect = until,
                Json = parsed.GetValue(json),
            };
            using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            StopSignals signals = new(stop, TimeProvider.System);
            using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => signal.Cancel = signals.Take());
            using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => signal.Cancel = signals.Take());
            using LocalApiClient client = await QueryCommand.ConnectAsync(commands.Layout, parsed.GetValue(context)!, cancellation);
            PingRun run = new((patience, cancel) => client.PingAsync(parsed.GetValue(peer)!, patience, cancel), parsed.InvocationConfiguration.Output, TimeProvider.System);
            return (int)await run.RunAsync(options, stop.Token);
        });
        return command;
    }

    private static TimeSpan Duration(string flag, string text, TimeSpan least) =>
        Quantities.TryParseDuration(text, out TimeSpan duration) && duration >= least && duration <= TimeSpan.FromDays(1)
            ? duration
            : throw new HostException(ExitCode.Usage, $"`{text}` is no duration for {flag}: from 10ms to 1d, like 500ms, 2s or 1m30s.");
}
