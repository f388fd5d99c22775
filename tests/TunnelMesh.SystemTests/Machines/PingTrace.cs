using System.Globalization;

namespace TunnelMesh.SystemTests.Machines;

/// <summary>A stream of pings that tells which of them were lost, and when.</summary>
internal sealed class PingTrace : IAsyncDisposable
{
    private readonly RunningProgram _ping;
    private readonly double _interval;

    private PingTrace(RunningProgram ping, double interval) => (_ping, _interval) = (ping, interval);

    /// <summary>Begins, a ping every <paramref name="interval"/> seconds for <paramref name="seconds"/>.</summary>
    public static PingTrace Start(NetworkNamespace machine, string target, double interval, int seconds) => new(
        machine.Start(["ping", "-n", "-D", "-i", interval.ToString(CultureInfo.InvariantCulture), "-w", seconds.ToString(CultureInfo.InvariantCulture), target]), interval);

    /// <summary>Waits for the end; how many were sent, and the gaps: from the first lost ping of a row to the last, in seconds since 1970, when they were sent.</summary>
    public async Task<(int Sent, IReadOnlyList<(double From, double To, int Lost)> Gaps)> EndAsync(CancellationToken cancel)
    {
        await _ping.WaitForLineAsync("packets transmitted", TimeSpan.FromMinutes(1), cancel);
        SortedDictionary<int, double> sent = [];
        foreach (string line in Answers())
        {
            // Sent when the answer came, less the round trip.
            sent[(int)After(line, "icmp_seq=")] = After(line, "[") - After(line, "time=") / 1000;
        }

        List<(double, double, int)> gaps = [];
        int before = 0;
        foreach ((int number, double time) in sent)
        {
            if (number > before + 1 && before > 0)
            {
                gaps.Add((sent[before] + _interval, time - _interval, number - before - 1));
            }

            before = number;
        }

        return (before, gaps);
    }

    /// <summary>When the first answer came that came after a time, both in seconds since 1970; null while there is none.</summary>
    public double? FirstAnswerAfter(double time)
    {
        double[] later = [.. Answers().Select(line => After(line, "[")).Where(at => at > time)];
        return later.Length > 0 ? later.Min() : null;
    }

    public ValueTask DisposeAsync() => _ping.DisposeAsync();

    private IEnumerable<string> Answers() =>
        _ping.Output.Split('\n').Where(l => l.Contains("icmp_seq=", StringComparison.Ordinal) && l.Contains("time=", StringComparison.Ordinal));

    private static double After(string line, string mark)
    {
        int from = line.IndexOf(mark, StringComparison.Ordinal) + mark.Length, to = line.IndexOfAny([' ', ']'], from);
        return double.Parse(line[from..to], CultureInfo.InvariantCulture);
    }
}
