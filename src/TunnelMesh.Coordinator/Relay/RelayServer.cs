using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using TunnelMesh.Coordinator.Access;
using TunnelMesh.Coordinator.Logging;
using TunnelMesh.Coordinator.Registry;
using TunnelMesh.Protocol.Limits;

namespace TunnelMesh.Coordinator.Relay;

/// <summary>The relay as the server sees it: requests come in, devices go, numbers come out. Its clockwork runs until it is disposed. Thread-safe.</summary>
internal sealed class RelayServer : IAsyncDisposable
{
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(1);

    // Heartbeats are messages of the relay's own and end to end; those of the WebSocket would only cost a timer each.
    private static readonly WebSocketAcceptContext Quiet = new() { KeepAliveInterval = TimeSpan.Zero };
    private readonly RelayOptions _options;
    private readonly RelayStreams _streams;
    private readonly RelayHandler _handler;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _sweeping;

    /// <param name="options">Bounds.</param>
    /// <param name="map">Says who is a member.</param>
    /// <param name="refusals">Told of refusals.</param>
    /// <param name="time">Clock.</param>
    /// <param name="log">For everything else.</param>
    internal RelayServer(RelayOptions options, LiveMap map, RefusalLog refusals, TimeProvider time, ILogger log)
    {
        _options = options;
        _time = time;
        _log = log;
        RelayTally tally = new();
        _streams = new RelayStreams(map, options, tally, time, log);
        _handler = new RelayHandler(_streams, options, tally, refusals, time, log);
        _sweeping = options.Enabled ? Task.Run(SweepAsync) : Task.CompletedTask;
    }

    /// <summary>False when there is no relay here.</summary>
    internal bool IsEnabled => _options.Enabled;

    /// <summary>The numbers now.</summary>
    internal RelayCounters Counters => _streams.Read();

    /// <summary>Serves a request for a relay stream until the stream ends.</summary>
    /// <param name="context">A WebSocket request.</param>
    /// <param name="deviceId">From the client certificate.</param>
    /// <param name="address">Where it comes from.</param>
    /// <param name="cancel">Cuts the stream.</param>
    internal async Task ServeAsync(HttpContext context, string deviceId, IPAddress address, CancellationToken cancel)
    {
        if (context.Features.Get<IConnectionSocketFeature>() is { Socket: { } tcp })
        {
            KeepShort(tcp);
        }
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync(Quiet).ConfigureAwait(false);
        await _handler.HandleAsync(socket, deviceId, address, () => context.Features.Get<ConnectionGate.Slot>()?.Leave(), cancel).ConfigureAwait(false);
    }

    /// <inheritdoc cref="RelayStreams.End"/>
    internal void End(IEnumerable<string> deviceIds, string code) => _streams.End(deviceIds, code);

    /// <inheritdoc cref="RelayStreams.EndAll"/>
    internal void EndAll() => _streams.EndAll();

    /// <summary>Stops the clockwork.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _sweeping.ConfigureAwait(false);
        _stop.Dispose();
    }

    // What the system has not sent yet waits in its queue in the order it came: kept short, so that turns are taken and heartbeats overtake in ours.
    private static void KeepShort(Socket socket)
    {
        try
        {
            // TCP_NOTSENT_LOWAT (linux/tcp.h): coordinators are on Linux.
            socket.SetRawSocketOption(6, 25, BitConverter.GetBytes(128 * 1024));
        }
        catch (SocketException)
        {
            // A system without it relays all the same; its own queue is longer.
        }
    }

    private async Task SweepAsync()
    {
        using PeriodicTimer timer = new(Turn, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
            {
                try
                {
                    _streams.Sweep();
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
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
