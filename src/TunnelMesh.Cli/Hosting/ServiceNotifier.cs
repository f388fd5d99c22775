using System.Globalization;
using Microsoft.Extensions.Logging;
using TunnelMesh.Platform.Services;

namespace TunnelMesh.Cli.Hosting;

/// <summary>Tells a service manager that the peer is usable, that it stops, and, while its data plane moves, that all is well (sd_notify(3), sd_watchdog_enabled(3); on Windows without the last).</summary>
internal sealed class ServiceNotifier : IDisposable
{
    private readonly IServiceReports _manager;
    private readonly TimeSpan? _beat;

    private ServiceNotifier(IServiceReports manager, TimeSpan? beat) => (_manager, _beat) = (manager, beat);

    /// <summary>Opens the way to the service manager.</summary>
    /// <returns>Null when none started this process; then nothing is paid for it.</returns>
    public static ServiceNotifier? Open(ProcessEnvironment environment) => environment.ServiceReports is { } given
        ? new ServiceNotifier(given, null)
        : NotifySocket.Open(environment.NotifySocket) is { } socket
        ? new ServiceNotifier(socket, Beat(environment.WatchdogMicroseconds))
        : null;

    /// <summary>How often to tell that all is well: twice in the time that the manager waits. Null when it does not watch.</summary>
    /// <param name="microseconds">WATCHDOG_USEC.</param>
    internal static TimeSpan? Beat(string? microseconds) =>
        long.TryParse(microseconds, NumberStyles.None, CultureInfo.InvariantCulture, out long given) && given is > 1 and <= int.MaxValue * 1000L
            ? TimeSpan.FromMicroseconds(given / 2)
            : null;

    /// <summary>The peer is usable.</summary>
    /// <param name="status">One line for people.</param>
    public void Ready(string status) => _manager.Ready(status);

    /// <summary>The peer stops.</summary>
    public void Stopping() => _manager.Stopping();

    /// <summary>From now on tells the manager that all is well as long as the data plane answers.</summary>
    /// <param name="answer">Asks the data plane; ends when all of it has answered.</param>
    /// <param name="log">Told once when it does not, each time that it stops to.</param>
    /// <param name="time">The clock.</param>
    /// <returns>Stops that.</returns>
    public IAsyncDisposable Watch(Func<Task> answer, ILogger log, TimeProvider time)
    {
        CancellationTokenSource stop = new();
        return new Watching(stop, _beat is { } beat ? WatchAsync(answer, beat, log, time, stop.Token) : Task.CompletedTask);
    }

    /// <inheritdoc/>
    public void Dispose() => _manager.Dispose();

    private async Task WatchAsync(Func<Task> answer, TimeSpan beat, ILogger log, TimeProvider time, CancellationToken stop)
    {
        using PeriodicTimer timer = new(beat, time);
        bool hung = false;
        try
        {
            do
            {
                try
                {
                    await answer().WaitAsync(beat, time, stop).ConfigureAwait(false);
                    _manager.Alive();
                    hung = false;
                }
                catch (TimeoutException)
                {
                    if (!hung)
                    {
                        log.DataPlaneHangs(beat.TotalSeconds);
                    }
                    hung = true;
                }
            }
            while (await timer.WaitForNextTickAsync(stop).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    private sealed class Watching(CancellationTokenSource stop, Task running) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await running.ConfigureAwait(false);
            stop.Dispose();
        }
    }
}
