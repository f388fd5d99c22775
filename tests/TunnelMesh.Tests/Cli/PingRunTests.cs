using System.Globalization;
using System.IO.Pipes;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using TunnelMesh.Cli.Commands;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Cli.Logging;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Tests.Cli;

public sealed class PingRunTests
{
    private static readonly PingOptions Quick = new() { Interval = TimeSpan.FromMilliseconds(1) };

    private static readonly PingReport Udp = new()
    {
        Name = "nas",
        MeshIp = "10.42.0.3",
        DeviceId = "d",
        Answered = true,
        RttMs = 1.236,
        Path = "udp",
        Endpoint = "192.0.2.1:2223",
        PathChanges = 1,
    };

    private static readonly PingReport Relay = Udp with { Path = "relay", Endpoint = null, RttMs = 20, PathChanges = 0 };

    private static readonly PingReport Silence = Relay with { Answered = false, RttMs = null };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static async Task<(ExitCode Code, string[] Lines)> RunAsync(PingOptions options, params PingReport[] answers)
    {
        using StringWriter output = new();
        Queue<PingReport> left = new(answers);
        PingRun run = new(async (_, cancel) =>
        {
            if (left.Count == 0)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, cancel);
            }
            return left.Dequeue();
        }, output, TimeProvider.System);
        ExitCode code = await run.RunAsync(options, Cancel);
        return (code, output.ToString().TrimEnd().Split(Environment.NewLine));
    }

    [Fact]
    public async Task Each_answer_and_each_change_of_path_is_a_line_and_the_summary_comes_last()
    {
        (ExitCode code, string[] lines) = await RunAsync(Quick with { Count = 5 }, Relay, Silence, Udp, Udp, Udp with { PathChanges = 3, RttMs = 2 });
        Assert.Equal(ExitCode.Ok, code);
        Assert.Equal(
            [
                "nas (10.42.0.3): 20.00 ms via relay",
                "nas (10.42.0.3): no answer via relay",
                "nas (10.42.0.3): path changed from relay to udp 192.0.2.1:2223",
                "nas (10.42.0.3): 1.24 ms via udp 192.0.2.1:2223",
                "nas (10.42.0.3): 1.24 ms via udp 192.0.2.1:2223",
                "nas (10.42.0.3): path changed 2 times and is udp 192.0.2.1:2223 again",
                "nas (10.42.0.3): 2.00 ms via udp 192.0.2.1:2223",
                "nas (10.42.0.3): 5 sent, 4 answered, 20 % lost, min/avg/max 1.24/6.12/20.00 ms, path udp 192.0.2.1:2223",
            ],
            lines);
    }

    [Fact]
    public async Task Nothing_answered_is_a_failure()
    {
        (ExitCode code, string[] lines) = await RunAsync(Quick with { Count = 2 }, Silence with { Path = "none" }, Silence with { Path = "none" });
        Assert.Equal(ExitCode.General, code);
        Assert.Equal(["nas (10.42.0.3): no answer", "nas (10.42.0.3): no answer", "nas (10.42.0.3): 2 sent, 0 answered, 100 % lost"], lines);
    }

    [Fact]
    public async Task Until_direct_ends_with_the_first_answer_over_udp()
    {
        (ExitCode code, string[] lines) = await RunAsync(Quick with { UntilDirect = true }, Relay, Udp with { Answered = false, RttMs = null }, Udp, Udp);
        Assert.Equal(ExitCode.Ok, code);
        Assert.StartsWith("nas (10.42.0.3): 3 sent, 2 answered", lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Until_direct_fails_when_the_time_or_the_count_is_over_though_the_relay_answers()
    {
        (ExitCode code, string[] lines) = await RunAsync(Quick with { UntilDirect = true, Timeout = TimeSpan.FromMilliseconds(200) }, Relay, Relay);
        Assert.Equal(ExitCode.General, code);
        Assert.Contains("2 sent, 2 answered", lines[^1], StringComparison.Ordinal);
        Assert.Equal(ExitCode.General, (await RunAsync(Quick with { UntilDirect = true, Count = 1 }, Relay)).Code);
    }

    [Fact]
    public async Task Until_direct_that_fails_says_so_and_where_to_ask_before_the_summary()
    {
        (_, string[] lines) = await RunAsync(Quick with { UntilDirect = true, Count = 1 }, Relay);
        Assert.Equal("nas (10.42.0.3): not reached directly; `tunnelmesh doctor nas` says why", lines[^2]);
        Assert.DoesNotContain(await LinesAsync(Quick with { UntilDirect = true }, Udp), l => l.Contains("doctor", StringComparison.Ordinal));
        Assert.DoesNotContain(await LinesAsync(Quick with { Count = 1 }, Relay), l => l.Contains("doctor", StringComparison.Ordinal));
        (_, lines) = await RunAsync(Quick with { UntilDirect = true, Count = 1, Json = true }, Relay);
        Assert.Equal(2, lines.Length);
    }

    [Fact]
    public async Task Until_direct_does_not_wait_for_what_transports_forbid()
    {
        (ExitCode code, string[] lines) = await RunAsync(Quick with { UntilDirect = true }, Relay with { DirectPossible = false }, Relay);
        Assert.Equal(ExitCode.General, code);
        Assert.Equal("nas (10.42.0.3): never reached directly, as `transports` here or there leaves udp out", lines[^2]);
        Assert.Contains("1 sent, 1 answered", lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_device_that_is_offline_is_called_so()
    {
        PingReport gone = Udp with { Answered = false, RttMs = null, Online = false };
        string[] lines = await LinesAsync(Quick with { Count = 3 }, gone, gone with { Path = "none", Endpoint = null }, Udp with { Online = false });
        Assert.Equal("nas (10.42.0.3): no answer via udp 192.0.2.1:2223; it is offline, as the coordinator told last", lines[0]);
        Assert.Contains("nas (10.42.0.3): no answer; it is offline, as the coordinator told last", lines);
        Assert.Equal("nas (10.42.0.3): 1.24 ms via udp 192.0.2.1:2223", lines[^2]);
    }

    [Fact]
    public async Task The_first_ping_counts_though_the_time_is_over_before_its_answer_would_be_due()
    {
        using StringWriter output = new();
        List<TimeSpan> patience = [];
        PingRun run = new(async (time, cancel) =>
        {
            patience.Add(time);
            await Task.Delay(time * 1.5, cancel);
            return Silence;
        }, output, TimeProvider.System);
        Assert.Equal(ExitCode.General, await run.RunAsync(Quick with { Timeout = TimeSpan.FromMilliseconds(100) }, Cancel));
        Assert.Equal(TimeSpan.FromMilliseconds(100), Assert.Single(patience));
        Assert.Contains("nas (10.42.0.3): 1 sent, 0 answered, 100 % lost", output.ToString(), StringComparison.Ordinal);
    }

    private static async Task<string[]> LinesAsync(PingOptions options, params PingReport[] answers) => (await RunAsync(options, answers)).Lines;

    [Fact]
    public async Task Whoever_has_seen_enough_gets_the_summary_and_the_ping_on_its_way_does_not_count()
    {
        using CancellationTokenSource enough = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        using StringWriter output = new();
        int asked = 0;
        PingRun run = new(async (_, cancel) =>
        {
            if (++asked == 2)
            {
                await enough.CancelAsync();
                cancel.ThrowIfCancellationRequested();
            }
            return Udp;
        }, output, TimeProvider.System);
        Assert.Equal(ExitCode.Ok, await run.RunAsync(Quick, enough.Token));
        Assert.Contains("1 sent, 1 answered, 0 % lost", output.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 1)]
    public async Task Whoever_closes_the_pipe_ends_it_with_the_code_of_the_answers_so_far(bool answered, int expected)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There the console's own writer is used.");
        using AnonymousPipeServerStream reader = new(PipeDirection.In);
        using SafeFileHandle end = new(nint.Parse(reader.GetClientHandleAsString(), CultureInfo.InvariantCulture), ownsHandle: false);
        await using TextWriter output = StandardOutput.ToPipe(end);
        int asked = 0;
        PingRun run = new((_, _) =>
        {
            if (++asked == 3)
            {
                reader.Dispose();
            }
            return Task.FromResult(answered ? Udp : Silence);
        }, output, TimeProvider.System);
        // The third ping is lost with the pipe, and no fourth goes out.
        Assert.Equal(expected, (int)await run.RunAsync(Quick, Cancel));
        Assert.Equal(3, asked);
    }

    [Fact]
    public async Task Any_command_ends_quietly_when_its_output_is_closed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There the console's own writer is used.");
        using CommandLine cli = new();
        using AnonymousPipeServerStream reader = new(PipeDirection.In);
        using SafeFileHandle end = new(nint.Parse(reader.GetClientHandleAsString(), CultureInfo.InvariantCulture), ownsHandle: false);
        await using TextWriter output = StandardOutput.ToPipe(end);
        reader.Dispose();
        Assert.Equal((0, ""), await cli.RunToAsync(["version"], output));
    }

    [Fact]
    public void A_lost_ping_names_the_path_it_was_sent_over()
    {
        PeerStats udp = new() { DeviceId = "d", Path = "udp", Endpoint = "192.0.2.1:2223", PathChanges = 2 }, ssh = udp with { Path = "ssh", Endpoint = null, PathChanges = 3 }, none = ssh with { Path = "none", Endpoint = "192.0.2.1:2223" };
        Assert.Equal<(string, string?, long)>(("udp", "192.0.2.1:2223", 2), PathReports.LostOver(udp, ssh));
        Assert.Equal<(string, string?, long)>(("udp", "192.0.2.1:2223", 2), PathReports.LostOver(udp, none));
        Assert.Equal<(string, string?, long)>(("ssh", null, 3), PathReports.LostOver(none, ssh));
        Assert.Equal<(string, string?, long)>(("ssh", null, 3), PathReports.LostOver(null, ssh));
        Assert.Equal<(string, string?, long)>(("none", null, 3), PathReports.LostOver(none, none));
        Assert.Equal<(string, string?, long)>(("none", null, 0), PathReports.LostOver(null, null));
    }

    [Fact]
    public async Task A_failure_to_ask_is_told_as_one() =>
        await Assert.ThrowsAsync<LocalApiException>(() => new PingRun((_, _) => throw new LocalApiException(LocalErrorCodes.NotFound, "nobody"), TextWriter.Null, TimeProvider.System).RunAsync(Quick, Cancel));

    [Fact]
    public async Task JSON_is_a_line_a_ping_and_one_for_all()
    {
        (_, string[] lines) = await RunAsync(Quick with { Count = 2, Json = true }, Relay, Udp);
        Assert.Equal(["ping", "ping", "summary"], lines.Select(l => JsonDocument.Parse(l).RootElement.GetProperty("kind").GetString()));
        PingSummary all = JsonSerializer.Deserialize(lines[^1], LocalApiJson.Default.PingSummary)!;
        Assert.Equal((2, 2, true, 1L, 1.236, 20.0), (all.Sent, all.Answered, all.Direct, all.PathChanges, all.MinMs, all.MaxMs));
    }

    [Theory]
    [InlineData("--count 0", "--count takes a number from 1 on")]
    [InlineData("--interval 1x", "`1x` is no duration for --interval")]
    [InlineData("--interval 1ms", "`1ms` is no duration for --interval")]
    [InlineData("--timeout soon", "`soon` is no duration for --timeout")]
    [InlineData("--timeout 2d", "`2d` is no duration for --timeout")]
    public async Task Numbers_that_make_no_sense_are_refused(string flags, string expected)
    {
        using CommandLine cli = new();
        (int code, _, string error) = await cli.RunAsync(["ping", "nas", .. flags.Split(' ')]);
        Assert.Equal(2, code);
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }
}
