using TunnelMesh.Node.Control;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Transports.Relay;

namespace TunnelMesh.Cli.Hosting;

/// <summary>The transports of a running peer that carry datagrams over streams; the data plane is their owner's.</summary>
internal sealed class PeerCarriers : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Task _relaying = Task.CompletedTask;

    /// <summary>The stream to the relay; null where the configuration leaves it out.</summary>
    public RelayTransport? Relay { get; private set; }

    /// <summary>Starts what the configuration asks for and gives it to the data plane, before that has any peer.</summary>
    /// <param name="options">The start's options.</param>
    /// <param name="step">The membership.</param>
    /// <param name="stream">Has the certificate and the coordinators' addresses.</param>
    /// <param name="plane">Takes what they bring.</param>
    public static PeerCarriers Start(PeerHostOptions options, MembershipStep step, ControlStream stream, DataPlane plane)
    {
        PeerCarriers carriers = new();
        if (PathNames.Parse(options.Settings.Transports).Contains(PathTransport.Relay))
        {
            RelayTransport relay = new(new RelayTransportOptions
            {
                Request = step.Request,
                MeshRoot = step.Membership.MeshRoot,
                Certificate = () => stream.Certificate,
                Addresses = () => stream.Addresses,
                Sink = plane,
            }, options.Time);
            plane.Add(relay);
            carriers.Relay = relay;
            carriers._relaying = Task.Run(() => relay.RunAsync(carriers._stop.Token), CancellationToken.None);
        }

        return carriers;
    }

    /// <summary>The stream to the relay as `status` shows it.</summary>
    public RelayReport? DescribeRelay()
    {
        if (Relay is not { } relay)
        {
            return null;
        }

        RelayState state = relay.State;
        RelayTransportCounters counters = relay.Counters;
        return new RelayReport
        {
            Open = state.IsOpen,
            Url = $"https://{state.Server}",
            Since = state.Since,
            Problem = state.Problem,
            RttMs = relay.RoundTrip?.TotalMilliseconds,
            TxDatagrams = counters.DatagramsSent,
            RxDatagrams = counters.DatagramsReceived,
            Dropped = counters.DroppedFull + counters.DroppedEnded + counters.DroppedBySink,
        };
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _relaying.ConfigureAwait(false);
        _stop.Dispose();
    }
}
