using System.Text.Json;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Cli.Logging;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Cli.Commands;

/// <summary>Sends pings one after another until enough is known.</summary>
/// <param name="ask">Sends one ping and waits for what comes of it.</param>
/// <param name="output">Where to print.</param>
/// <param name="time">Clock.</param>
internal sealed class PingRun(Func<TimeSpan, CancellationToken, Task<PingReport>> ask, TextWriter output, TimeProvider time)
{
    /// <summary>How long one answer is waited for.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Runs to the end that the options set.</summary>
    /// <param name="options">How.</param>
    /// <param name="cancel">Ends it in order, with the summary.</param>
    /// <returns>Ok when at least one ping was answered, and directly where that was asked for.</returns>
    public async Task<ExitCode> RunAsync(PingOptions options, CancellationToken cancel)
    {
        PingTally tally = new();
        using CancellationTokenSource limit = options.Timeout is { } timeout ? new CancellationTokenSource(timeout, time) : new CancellationTokenSource();
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        try
        {
            for (int left = options.Count ?? int.MaxValue; left > 0 && !either.IsCancellationRequested && !(options.UntilDirect && tally.IsDirect);)
            {
                long began = time.GetTimestamp();
                // The first is waited for to its end, so that there is one to tell of; a later one that the time cuts short does not count.
                PingReport ping = tally.Any ? await ask(Patience, either.Token) : await ask(options.Timeout is { } all && all < Patience ? all : Patience, cancel);
                await PrintAsync(ping, tally, options.Json);
                if (options.UntilDirect && !ping.DirectPossible)
                {
                    break;
                }
                left -= options.Count is null ? 0 : 1;
                TimeSpan wait = options.Interval - time.GetElapsedTime(began);
                if (left > 0 && wait > TimeSpan.Zero && !(options.UntilDirect && tally.IsDirect))
                {
                    await Task.Delay(wait, time, either.Token);
                }
            }
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            // Time is up, or somebody has seen enough.
        }
        catch (IOException e) when (StandardOutput.IsClosed(e))
        {
            // Whoever read it has seen enough.
        }
        try
        {
            if (options is { UntilDirect: true, Json: false } && tally.WhyNotDirect() is { } why)
            {
                await output.WriteLineAsync(why);
            }
            PingSummary all = tally.Summary();
            await output.WriteLineAsync(options.Json ? JsonSerializer.Serialize(all, LocalApiJson.Default.PingSummary) : PingTally.Line(all));
        }
        catch (IOException e) when (StandardOutput.IsClosed(e))
        {
            // The code tells enough.
        }
        return Code(options, tally);
    }

    private static ExitCode Code(PingOptions options, PingTally tally) => (options.UntilDirect ? tally.IsDirect : tally.AnyAnswer) ? ExitCode.Ok : ExitCode.General;

    private async Task PrintAsync(PingReport ping, PingTally tally, bool json)
    {
        string? change = tally.Add(ping);
        if (json)
        {
            await output.WriteLineAsync(JsonSerializer.Serialize(ping, LocalApiJson.Default.PingReport));
        }
        else
        {
            await output.WriteLineAsync(change is null ? PingTally.Line(ping) : change + Environment.NewLine + PingTally.Line(ping));
        }
        await output.FlushAsync();
    }
}
