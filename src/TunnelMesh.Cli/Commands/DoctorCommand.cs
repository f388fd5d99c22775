using System.CommandLine;
using System.Globalization;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Platform.Guard;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>doctor [PEER]</c>: why devices are not reached directly, and what would help.</summary>
internal static class DoctorCommand
{
    private const string Fine = "fine", NotTried = "not_tried";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3), Look = TimeSpan.FromMilliseconds(250);

    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext commands)
    {
        Argument<string?> peer = new("peer") { Description = "Name, mesh address or device ID (default: every device with traffic)", Arity = ArgumentArity.ZeroOrOne };
        Option<string> context = commands.ContextOption();
        Option<bool> json = QueryCommand.Json();
        Command command = new("doctor", "Say why devices are not reached directly, and what would help") { peer, context, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            using LocalApiClient client = await QueryCommand.ConnectAsync(commands.Layout, parsed.GetValue(context)!, cancellation);
            if (Progress(parsed.GetValue(peer), parsed.GetValue(json), !Console.IsErrorRedirected) is { } progress)
            {
                await parsed.InvocationConfiguration.Error.WriteLineAsync(progress);
            }
            IReadOnlyList<DiagnosisReport> reports = await AskAsync(client, parsed.GetValue(peer), TimeProvider.System, cancellation);
            StatusReport? status = parsed.GetValue(json) ? null : await client.StatusAsync(cancellation);
            return QueryCommand.Write(parsed, json, reports, LocalApiJson.Default.IReadOnlyListDiagnosisReport, output =>
            {
                Print(reports, parsed.GetValue(peer) is not null, output);
                if (status is { Tun: { Problem: not null } tun })
                {
                    output.WriteLine($"Interface of this machine: {StatusCommand.Interface(tun)}");
                }
                if (AddressGuard.IsSupported && status is { Guard: { Problem: not null } guard })
                {
                    output.WriteLine($"Guard of this machine: {StatusCommand.Guard(guard, status.Tun.Name)}");
                }
            });
        });
        return command;
    }

    /// <summary>What a person at a terminal reads while a device is tried; null where nobody waits, or not for long.</summary>
    internal static string? Progress(string? peer, bool json, bool terminal) => peer is not null && terminal && !json ? $"Trying {peer}, for up to {2 * Patience.TotalSeconds:0} s ..." : null;

    /// <summary>The reports for people.</summary>
    /// <param name="reports">All that were asked for.</param>
    /// <param name="named">True prints each in full; else those that are reached directly and well are only counted.</param>
    /// <param name="output">Where to.</param>
    internal static void Print(IReadOnlyList<DiagnosisReport> reports, bool named, TextWriter output)
    {
        DiagnosisReport[] shown = [.. reports.Where(r => named || r.Cause != Fine)];
        foreach (DiagnosisReport report in shown)
        {
            output.WriteLine($"{report.Name} ({report.MeshIp}): {report.Path}{(report.Endpoint is { } endpoint ? $" {endpoint}" : "")}");
            output.WriteLine($"  {report.Summary}");
            if (report.Help is { } help)
            {
                output.WriteLine($"  {help}");
            }
            if (report.Paths.Count > 0)
            {
                HumanTable.Print(["  PATH", "FROM", "STATE", "PROBES", "ANSWERED", "RTT", "MTU", "HEARD"], report.Paths.Select(Row), output);
            }
            foreach (PathReport path in report.Paths.Where(p => p.Problem is not null))
            {
                output.WriteLine($"  {path.Transport}: {path.Problem}");
            }
        }
        int fine = reports.Count - shown.Length;
        if (reports.Count == 0)
        {
            output.WriteLine("Nothing was exchanged with any device yet; a ping without an answer does not count. `tunnelmesh doctor PEER` tries one.");
        }
        else if (fine > 0)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(reports.Count == 1 ? "The one device with traffic is" : fine == reports.Count ? $"All {fine} devices with traffic are" : $"Of {reports.Count} devices with traffic {fine} {(fine == 1 ? "is" : "are")}")} reached directly and well."));
        }
    }

    // One that is named is tried first, and then its paths have a moment to answer.
    private static async Task<IReadOnlyList<DiagnosisReport>> AskAsync(LocalApiClient client, string? peer, TimeProvider time, CancellationToken cancellation)
    {
        long began = time.GetTimestamp();
        if (peer is not null)
        {
            await client.PingAsync(peer, Patience, cancellation);
        }
        IReadOnlyList<DiagnosisReport> reports = await client.DiagnoseAsync(peer, cancellation);
        while (peer is not null && reports is [{ Cause: NotTried, Online: true }] && time.GetElapsedTime(began) < 2 * Patience)
        {
            await Task.Delay(Look, time, cancellation);
            reports = await client.DiagnoseAsync(peer, cancellation);
        }
        return reports;
    }

    private static string[] Row(PathReport path) =>
    [
        $"{(path.InUse ? "*" : " ")} {path.Transport}{(path.Endpoint is { } endpoint ? $" {endpoint}" : "")}",
        path.Offered ? "map" : "learnt",
        path.Open ? State(path) : "closed",
        path.Probes.ToString(CultureInfo.InvariantCulture),
        path.Echoes.ToString(CultureInfo.InvariantCulture),
        path.RttMs is { } rtt ? FormattableString.Invariant($"{rtt:0.0} ms") : "-",
        path.Mtu?.ToString(CultureInfo.InvariantCulture) ?? "-",
        path.HeardMsAgo is { } ago ? HumanText.Duration(TimeSpan.FromMilliseconds(ago)) + " ago" : "never",
    ];

    private static string State(PathReport path) => path.State switch
    {
        "untried" => path.Probes == 0 ? "untried" : "no answer",
        "doubted" => "stopped",
        _ => path.State,
    };
}
