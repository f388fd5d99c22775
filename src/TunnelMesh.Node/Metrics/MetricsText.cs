using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Node.Metrics;

/// <summary>The text of <c>/metrics</c>. Pure. The names are stable; docs/metrics.md lists them.</summary>
public static class MetricsText
{
    /// <summary>Content type of the text format of Prometheus.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private const string Counter = "counter", Gauge = "gauge", None = "none", Udp = "udp";
    private static readonly string[] Transports = [Udp, "ssh", "relay"];

    /// <summary>Writes it.</summary>
    /// <param name="status">The peer as `status` shows it: counters have one reader.</param>
    /// <param name="peers">Other devices; those there never was a tunnel with are left out, so that an idle mesh of thousands stays a short text.</param>
    /// <param name="bytes">Bytes of all tunnels.</param>
    /// <param name="filter">The packet filter; null while the peer is starting.</param>
    /// <param name="coordinator">What a coordinator adds; null elsewhere.</param>
    /// <param name="process">The process.</param>
    public static string Write(StatusReport status, IEnumerable<NamedPeer> peers, ByteTotals bytes, FilterReport? filter, CoordinatorMetrics? coordinator, ProcessMetrics process)
    {
        ArgumentNullException.ThrowIfNull(status);
        ArgumentNullException.ThrowIfNull(bytes);
        ArgumentNullException.ThrowIfNull(process);
        MetricsWriter text = new();
        text.Begin("tunnelmesh_peer_info", Gauge, "This device.");
        text.Sample("tunnelmesh_peer_info", 1, "peer", status.Name, "mesh_ip", status.MeshIp, "version", status.Version);
        WriteDataPlane(text, status.DataPlane, bytes);
        if (filter is not null)
        {
            WriteFilter(text, filter);
        }
        WriteTunnels(text, [.. peers.Where(p => p.Stats.Path != None || p.Stats.LastHandshakeUnix is not null || p.Stats.RxBytes + p.Stats.TxBytes > 0).OrderBy(p => p.Name, StringComparer.Ordinal)]);
        text.Single("tunnelmesh_exit_packets_sent_total", Counter, "Packets sent to the internet: through the exit peer, or for others on one.", status.Exit.Packets);
        text.Single("tunnelmesh_exit_bytes_sent_total", Counter, "Bytes of these packets.", status.Exit.Bytes);
        text.Single("tunnelmesh_relay_connected", Gauge, "Whether the stream to the relay carries.", status.Relay is { Open: true } ? 1 : 0);
        text.Single("tunnelmesh_coordinator_connected", Gauge, "Whether the control stream to a coordinator stands.", status.Coordinator.State == "connected" ? 1 : 0);
        text.Begin("tunnelmesh_dns_queries_total", Counter, "Queries to the resolver of this device, by what became of them.");
        foreach ((string result, long count) in new[] { ("answered", status.Dns.Answered), ("refused", status.Dns.Refused), ("forwarded", status.Dns.Forwarded), ("forward_failed", status.Dns.ForwardFailures) })
        {
            text.Sample("tunnelmesh_dns_queries_total", count, "result", result);
        }
        if (coordinator is not null)
        {
            WriteCoordinator(text, coordinator);
        }
        text.Single("process_start_time_seconds", Gauge, "Start of the process, Unix time.", process.StartUnixSeconds);
        text.Single("process_cpu_seconds_total", Counter, "Processor time of the process.", process.CpuSeconds);
        text.Single("process_resident_memory_bytes", Gauge, "Resident memory of the process.", process.ResidentBytes);
        return text.ToString();
    }

    private static void WriteDataPlane(MetricsWriter text, DataPlaneReport? plane, ByteTotals bytes)
    {
        if (plane is null)
        {
            return;
        }
        text.Single("tunnelmesh_packets_sent_total", Counter, "Packets sealed and sent.", plane.TxPackets);
        text.Single("tunnelmesh_packets_received_total", Counter, "Datagrams received and opened.", plane.RxPackets);
        text.Single("tunnelmesh_bytes_sent_total", Counter, "Bytes of inner packets sent.", bytes.Sent);
        text.Single("tunnelmesh_bytes_received_total", Counter, "Bytes of inner packets received.", bytes.Received);
        text.Single("tunnelmesh_dropped_no_route_total", Counter, "Packets from this machine that no device carries.", plane.Drops.GetValueOrDefault("no_route"));
        text.Single("tunnelmesh_dropped_no_tunnel_total", Counter, "Packets from this machine to a device there was no tunnel to in time.",
            plane.Drops.GetValueOrDefault("unreachable") + plane.Drops.GetValueOrDefault("queue_full"));
        text.Begin("tunnelmesh_dropped_packets_total", Counter, "All packets dropped, by reason.");
        foreach ((string reason, long count) in plane.Drops.OrderBy(d => d.Key, StringComparer.Ordinal))
        {
            text.Sample("tunnelmesh_dropped_packets_total", count, "reason", reason);
        }
        text.Begin("tunnelmesh_dropped_filtered_total", Counter, "Packets from devices that the packet filter dropped.");
        foreach (FilteredReport dropped in plane.DroppedFiltered)
        {
            text.Sample("tunnelmesh_dropped_filtered_total", dropped.Packets, "protocol", dropped.Protocol, "source_peer", dropped.SourcePeer);
        }
        text.Begin("tunnelmesh_handshakes_total", Counter, "Handshake datagrams received, by result.");
        foreach ((string result, long count) in plane.Handshakes.OrderBy(h => h.Key, StringComparer.Ordinal))
        {
            text.Sample("tunnelmesh_handshakes_total", count, "result", result);
        }
    }

    private static void WriteFilter(MetricsWriter text, FilterReport filter)
    {
        text.Begin("tunnelmesh_filter_rules_total", Gauge, "Rules of the packet filter, by the layer they are from.");
        foreach (IGrouping<string, FilterRuleReport> layer in filter.Rules.GroupBy(r => r.Layer, StringComparer.Ordinal))
        {
            text.Sample("tunnelmesh_filter_rules_total", layer.Count(), "source", layer.Key);
        }
        text.Single("tunnelmesh_filter_default_deny", Gauge, "Whether traffic that no rule is about is dropped.", filter.DefaultDeny ? 1 : 0);
    }

    private static void WriteTunnels(MetricsWriter text, NamedPeer[] peers)
    {
        text.Single("tunnelmesh_active_tunnels", Gauge, "Devices with a live session.", peers.Count(p => p.Stats.Path != None));
        text.Single("tunnelmesh_healthy_tunnels", Gauge, "Devices with a live session whose path in use has answered its last probes.", peers.Count(p => p.Stats.Path != None && p.Stats.Paths.Any(path => path is { InUse: true, State: "proven" })));
        text.Begin("tunnelmesh_connection_state", Gauge, "Whether this transport carries the tunnel to the device.");
        foreach (NamedPeer peer in peers)
        {
            foreach (string transport in Transports)
            {
                text.Sample("tunnelmesh_connection_state", peer.Stats.Path == transport ? 1 : 0, "target_peer", peer.Name, "transport", transport);
            }
        }
        EachPeer(text, "tunnelmesh_reconnects_total", Counter, "How often the tunnel to the device took another path.", peers, p => p.PathChanges);
        EachPeer(text, "tunnelmesh_peer_bytes_sent_total", Counter, "Bytes of inner packets sent to the device.", peers, p => p.TxBytes);
        EachPeer(text, "tunnelmesh_peer_bytes_received_total", Counter, "Bytes of inner packets received from the device.", peers, p => p.RxBytes);
        EachPeer(text, "tunnelmesh_peer_udp_latency_seconds", Gauge, "Smoothed round trip over UDP: the path in use, else the fastest.", peers,
            p => p.Paths.Where(path => path is { Transport: Udp, RttMs: not null }).OrderByDescending(path => path.InUse).ThenBy(path => path.RttMs).FirstOrDefault()?.RttMs / 1000);
    }

    // Devices of which the value is not known have no sample.
    private static void EachPeer(MetricsWriter text, string name, string type, string help, NamedPeer[] peers, Func<PeerStats, double?> value)
    {
        text.Begin(name, type, help);
        foreach (NamedPeer peer in peers)
        {
            if (value(peer.Stats) is { } known)
            {
                text.Sample(name, known, "target_peer", peer.Name);
            }
        }
    }

    private static void WriteCoordinator(MetricsWriter text, CoordinatorMetrics coordinator)
    {
        text.Single("tunnelmesh_coordinator_online_peers", Gauge, "Devices with a control stream to this coordinator, its own among them.", coordinator.OnlinePeers);
        text.Single("tunnelmesh_coordinator_heartbeats_total", Counter, "Messages that devices sent over their control streams; the streams' own pings are not counted.", coordinator.Heartbeats);
        text.Single("tunnelmesh_coordinator_relay_streams", Gauge, "Devices with a stream to the relay.", coordinator.RelayStreams);
        text.Begin("tunnelmesh_coordinator_relay_datagrams_total", Counter, "Datagrams that the relay took from devices and gave to devices.");
        text.Sample("tunnelmesh_coordinator_relay_datagrams_total", coordinator.RelayDatagramsIn, "direction", "in");
        text.Sample("tunnelmesh_coordinator_relay_datagrams_total", coordinator.RelayDatagramsOut, "direction", "out");
        text.Begin("tunnelmesh_coordinator_relay_bytes_total", Counter, "Bytes of these datagrams.");
        text.Sample("tunnelmesh_coordinator_relay_bytes_total", coordinator.RelayBytesIn, "direction", "in");
        text.Sample("tunnelmesh_coordinator_relay_bytes_total", coordinator.RelayBytesOut, "direction", "out");
        text.Single("tunnelmesh_coordinator_relay_dropped_total", Counter, "Datagrams that the relay dropped.", coordinator.RelayDropped);
    }
}
