using Microsoft.Extensions.Logging;
using TunnelMesh.Coordinator.Logging;
using TunnelMesh.Coordinator.Rendezvous;
using TunnelMesh.Coordinator.State;

namespace TunnelMesh.Coordinator.Api;

/// <summary>What a server does by the clock: stalled streams, times of last contact, its certificate.</summary>
internal sealed class Housekeeping : IAsyncDisposable
{
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(5);

    /// <summary>Times of last contact are stored this often for devices that went, and this often for those that stay.</summary>
    private static readonly TimeSpan StoreGone = TimeSpan.FromSeconds(15), StoreOnline = TimeSpan.FromMinutes(15);

    private readonly ICoordinatorState _state;
    private readonly ControlSessions _sessions;
    private readonly Action _renewCertificate;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    /// <param name="state">Takes the times of last contact.</param>
    /// <param name="sessions">Swept.</param>
    /// <param name="renewCertificate">Called each turn; renews when it is time.</param>
    /// <param name="time">Clock.</param>
    /// <param name="log">For failures.</param>
    internal Housekeeping(ICoordinatorState state, ControlSessions sessions, Action renewCertificate, TimeProvider time, ILogger log)
    {
        _state = state;
        _sessions = sessions;
        _renewCertificate = renewCertificate;
        _time = time;
        _log = log;
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Stores the times of last contact that are not stored yet; a failure is logged and tried again at the next turn.</summary>
    internal async Task StoreSeenAsync(bool online)
    {
        IReadOnlyCollection<KeyValuePair<string, long>> seen = _sessions.TakeSeen(online);
        if (seen.Count == 0)
        {
            return;
        }
        try
        {
            await _state.TouchDevicesAsync(seen, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (e is StorageFailedException or ObjectDisposedException)
        {
            _sessions.ReturnSeen(seen);
            CoordinatorLog.StorageFailed(_log, "the times of last contact", e);
        }
    }

    /// <summary>Ends the turns, then stores what is left.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        await StoreSeenAsync(online: true).ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        using PeriodicTimer timer = new(Turn, _time);
        long gone = _time.GetTimestamp(), online = gone;
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
            {
                try
                {
                    _sessions.Sweep();
                    _renewCertificate();
                    bool all = _time.GetElapsedTime(online) >= StoreOnline;
                    if (all || _time.GetElapsedTime(gone) >= StoreGone)
                    {
                        gone = _time.GetTimestamp();
                        online = all ? gone : online;
                        await StoreSeenAsync(all).ConfigureAwait(false);
                    }
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    // One turn that fails must not be the last: what it should have done is tried again in the next.
                    CoordinatorLog.BackgroundFailed(_log, e);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }
}
