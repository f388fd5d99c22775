using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Coordinator.Logging;

namespace TunnelMesh.Tests.Coordinator;

public sealed class RefusalLogTests
{
    [Fact]
    public void Refusals_without_end_cost_a_line_every_two_seconds_and_are_counted()
    {
        FakeTimeProvider time = new();
        Lines lines = new();
        RefusalLog log = new(lines, time);
        for (int i = 0; i < 100_000; i++)
        {
            log.Join(IPAddress.Loopback, "proof_refused", "no");
            log.Stream(IPAddress.Loopback, "no");
        }
        Assert.Equal(RefusalLog.Burst, lines.Written.Count);
        time.Advance(TimeSpan.FromSeconds(2 * RefusalLog.SecondsPerLine));
        log.Stream(IPAddress.Loopback, "no");
        log.Stream(IPAddress.Loopback, "no");
        log.Stream(IPAddress.Loopback, "no");
        Assert.Equal(RefusalLog.Burst + 3, lines.Written.Count);
        Assert.Equal($"{200_000 - RefusalLog.Burst} more refusals were not logged", lines.Written[RefusalLog.Burst]);
    }

    private sealed class Lines : ILogger
    {
        public List<string> Written { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Written.Add(formatter(state, exception));
    }
}
