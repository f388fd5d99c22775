using System.Net;
using TunnelMesh.Coordinator.Relay;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Node.Metrics;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Cli.Hosting;

/// <summary>Metrics of this peer at its mesh addresses. Where they cannot be served it is told and done without. Any thread.</summary>
internal sealed class PeerMetrics : IAsyncDisposable
{
    private readonly PeerApi _api;
    private readonly HostedCoordinator? _coordinator;
    private readonly ByteTotals _bytes = new();
    private readonly MetricsServer _server;

    private PeerMetrics(PeerHostOptions options, PeerApi api, MembershipStep step, ControlStream stream, HostedCoordinator? coordinator)
    {
        (_api, _coordinator) = (api, coordinator);
        _server = new MetricsServer(new MetricsServerOptions
        {
            Ranges = step.Membership.Mesh.TryGetRanges(out IPNetwork range4, out IPNetwork range6) ? [range4, range6] : [],
            Certificate = () => stream.Certificate,
            Metrics = Write,
            Problem = api.DescribeProblem,
            Time = options.Time,
        });
    }

    /// <summary>Where they are, for people; null when they are not served.</summary>
    public string? Url => _server.Endpoints is [{ } first, ..] ? $"https://{first}/metrics" : null;

    /// <summary>Listens.</summary>
    /// <param name="options">The start's options.</param>
    /// <param name="api">Describes the peer; attached to it already.</param>
    /// <param name="step">The membership.</param>
    /// <param name="stream">Has the certificate.</param>
    /// <param name="addresses">Of the mesh's interface.</param>
    /// <param name="coordinator">The coordinator of this process, or null.</param>
    public static PeerMetrics Start(PeerHostOptions options, PeerApi api, MembershipStep step, ControlStream stream, IReadOnlyList<TunAddress> addresses, HostedCoordinator? coordinator)
    {
        PeerMetrics metrics = new(options, api, step, stream, coordinator);
        if (!options.Settings.MetricsEnabled)
        {
            return metrics;
        }
        foreach (TunAddress address in addresses)
        {
            try
            {
                metrics._server.Listen(new IPEndPoint(address.Address, options.Settings.MetricsPort));
            }
            catch (MetricsListenException e)
            {
                options.Log.MetricsNotServed(e.Message);
            }
        }
        return metrics;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _server.DisposeAsync();

    // One caller at a time: the server makes one text after another.
    private string Write()
    {
        StatusReport status = _api.GetStatus();
        IReadOnlyList<NamedPeer> peers = _api.GetTunnels();
        _bytes.Add(peers.Select(p => p.Stats));
        ProcessMetrics process = new(_api.Started.ToUnixTimeMilliseconds() / 1000.0, Environment.CpuUsage.TotalTime.TotalSeconds, Environment.WorkingSet);
        return MetricsText.Write(status, peers, _bytes, _api.DescribeFilter(), _coordinator is null ? null : Describe(_coordinator), process);
    }

    private static CoordinatorMetrics Describe(HostedCoordinator coordinator)
    {
        RelayCounters relay = coordinator.Relay;
        return new CoordinatorMetrics
        {
            OnlinePeers = coordinator.Streams,
            Heartbeats = coordinator.Heartbeats,
            RelayStreams = relay.Streams,
            RelayDatagramsIn = relay.DatagramsIn,
            RelayBytesIn = relay.BytesIn,
            RelayDatagramsOut = relay.DatagramsOut,
            RelayBytesOut = relay.BytesOut,
            RelayDropped = relay.DroppedFull + relay.DroppedNotHere + relay.DroppedRate + relay.DroppedEnded,
        };
    }
}
