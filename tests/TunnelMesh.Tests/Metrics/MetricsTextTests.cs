using System.Text.RegularExpressions;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Node.Metrics;

namespace TunnelMesh.Tests.Metrics;

public sealed class MetricsTextTests
{
    private static readonly ProcessMetrics Process = new(1700000000.25, 1.5, 34 << 20);
    private static readonly PeerStats Idle = new() { DeviceId = "c", Path = "none" };
    private static readonly PeerStats Direct = new()
    {
        DeviceId = "b",
        Path = "udp",
        TxBytes = 1000,
        RxBytes = 2000,
        PathChanges = 3,
        Paths =
        [
            new PathStats { Transport = "relay", InUse = false, Offered = true, Open = true, State = "proven", RttMs = 90, Loss = 0, Mtu = 1400, Probes = 1, Echoes = 1 },
            new PathStats { Transport = "udp", InUse = false, Offered = true, Open = true, State = "proven", RttMs = 1, Loss = 0, Mtu = 1400, Probes = 1, Echoes = 1 },
            new PathStats { Transport = "udp", InUse = true, Offered = true, Open = true, State = "proven", RttMs = 12.5, Loss = 0, Mtu = 1400, Probes = 1, Echoes = 1 },
        ],
    };

    private static StatusReport Status(bool plane = true) => new()
    {
        Name = "nas",
        PeerId = "",
        DeviceId = "",
        MeshIp = "10.42.0.2",
        MeshIp6 = "fd00::2",
        MeshCidr = "10.42.0.0/16",
        Domain = "tunnelmesh",
        Version = "1.2.3",
        UptimeSeconds = 1,
        Coordinator = new CoordinatorReport { Url = "", State = "connected", Since = default },
        Relay = new RelayReport { Open = false, Url = "", Since = default, TxDatagrams = 0, RxDatagrams = 0, Dropped = 0 },
        Tun = new TunReport { Name = "", Mtu = 1400 },
        DataPlane = !plane ? null : new DataPlaneReport
        {
            Cipher = "",
            Lanes = 1,
            ThreadsPerLane = 1,
            StayOnCpu = true,
            StayingOnCpus = [],
            TunOffloads = [],
            UdpOffloads = [],
            SegmentationFallbacks = 0,
            TxPackets = 10,
            TxBatches = 1,
            RxPackets = 11,
            RxBatches = 1,
            Handshakes = new Dictionary<string, long> { ["accepted"] = 4 },
            PeersRefused = 0,
            Drops = new Dictionary<string, long> { ["no_route"] = 5, ["unreachable"] = 6, ["queue_full"] = 7, ["forged"] = 8 },
            DroppedFiltered = [new FilteredReport { Protocol = "tcp", SourcePeer = "laptop", Packets = 31 }],
        },
        Dns = new DnsReport { Listen = [], System = null, Problem = null, Names = 0, Aliases = [], Servers = [], Answered = 21, Refused = 22, Forwarded = 23, ForwardFailures = 24, Drops = new Dictionary<string, long>() },
        Runtime = RuntimeReport.Now(),
        Exit = new ExitReport { Traffic = "direct", WhenOffline = "block", LanAccess = false, KillSwitch = false, Allows = false, Packets = 7, Bytes = 700 },
        MetricsUrl = null,
        MapEntriesDropped = 0,
        PeersTotal = 2,
        PeersOnline = 1,
    };

    private static readonly FilterReport Filter = new()
    {
        DefaultDeny = true,
        Rules = [.. new[] { "config", "temporary", "config" }.Select(layer => new FilterRuleReport { Layer = layer, Action = "allow", Protocol = "tcp", Port = "22", SourcePeer = "", SourceKnown = true, TtlSeconds = null, Hits = 0 })],
        Groups = ["everyone"],
        Flows = 0,
        FlowsPushedOut = 0,
    };

    private static string[] Lines(StatusReport status, CoordinatorMetrics? coordinator, params NamedPeer[] peers)
    {
        ByteTotals bytes = new();
        bytes.Add(peers.Select(p => p.Stats));
        return MetricsText.Write(status, peers, bytes, Filter, coordinator, Process).Split('\n');
    }

    [Fact]
    public void The_names_that_dashboards_know_have_their_values()
    {
        string[] lines = Lines(Status(), null, new NamedPeer("laptop", Direct), new NamedPeer("never", Idle));
        Assert.All(
            [
                "tunnelmesh_peer_info{peer=\"nas\",mesh_ip=\"10.42.0.2\",version=\"1.2.3\"} 1",
                "tunnelmesh_packets_sent_total 10",
                "tunnelmesh_packets_received_total 11",
                "tunnelmesh_bytes_sent_total 1000",
                "tunnelmesh_bytes_received_total 2000",
                "tunnelmesh_dropped_no_route_total 5",
                "tunnelmesh_dropped_no_tunnel_total 13",
                "tunnelmesh_dropped_packets_total{reason=\"forged\"} 8",
                "tunnelmesh_dropped_filtered_total{protocol=\"tcp\",source_peer=\"laptop\"} 31",
                "tunnelmesh_filter_rules_total{source=\"config\"} 2",
                "tunnelmesh_filter_rules_total{source=\"temporary\"} 1",
                "tunnelmesh_filter_default_deny 1",
                "tunnelmesh_handshakes_total{result=\"accepted\"} 4",
                "tunnelmesh_active_tunnels 1",
                "tunnelmesh_healthy_tunnels 1",
                "tunnelmesh_connection_state{target_peer=\"laptop\",transport=\"udp\"} 1",
                "tunnelmesh_connection_state{target_peer=\"laptop\",transport=\"relay\"} 0",
                "tunnelmesh_reconnects_total{target_peer=\"laptop\"} 3",
                "tunnelmesh_peer_udp_latency_seconds{target_peer=\"laptop\"} 0.0125",
                "tunnelmesh_exit_packets_sent_total 7",
                "tunnelmesh_exit_bytes_sent_total 700",
                "tunnelmesh_relay_connected 0",
                "tunnelmesh_coordinator_connected 1",
                "tunnelmesh_dns_queries_total{result=\"forward_failed\"} 24",
                "process_start_time_seconds 1700000000.25",
            ],
            line => Assert.Contains(line, lines));
        Assert.DoesNotContain(lines, l => l.Contains("never", StringComparison.Ordinal) || l.StartsWith("tunnelmesh_coordinator_online_peers", StringComparison.Ordinal));
        Assert.Equal("", lines[^1]);
    }

    [Fact]
    public void Every_metric_has_its_help_and_type_once_before_its_samples()
    {
        string? open = null;
        HashSet<string> seen = [];
        foreach (string line in Lines(Status(), Coordinator, new NamedPeer("laptop", Direct))[..^1])
        {
            string[] words = line.Split(' ');
            if (words[0] == "#")
            {
                Assert.True(words[1] == "TYPE" ? open == words[2] : seen.Add(words[2]), line);
                open = words[2];
            }
            else
            {
                Assert.Equal(open, line.Split('{', ' ')[0]);
                Assert.EndsWith(open!.EndsWith("_total", StringComparison.Ordinal) ? "_total" : open, open, StringComparison.Ordinal);
            }
        }
        Assert.Contains("tunnelmesh_coordinator_online_peers", seen);
    }

    [Fact]
    public void A_coordinator_serves_every_name_that_users_have_dashboards_for()
    {
        string[] known =
        [
            "tunnelmesh_packets_sent_total", "tunnelmesh_packets_received_total", "tunnelmesh_bytes_sent_total", "tunnelmesh_bytes_received_total",
            "tunnelmesh_dropped_no_route_total", "tunnelmesh_dropped_no_tunnel_total", "tunnelmesh_dropped_filtered_total{protocol=,source_peer=}",
            "tunnelmesh_filter_rules_total{source=}", "tunnelmesh_filter_default_deny", "tunnelmesh_connection_state{target_peer=,transport=}",
            "tunnelmesh_active_tunnels", "tunnelmesh_healthy_tunnels", "tunnelmesh_reconnects_total{target_peer=}", "tunnelmesh_relay_connected",
            "tunnelmesh_exit_packets_sent_total", "tunnelmesh_exit_bytes_sent_total", "tunnelmesh_peer_info{peer=,mesh_ip=,version=}",
            "tunnelmesh_peer_udp_latency_seconds{target_peer=}", "tunnelmesh_coordinator_online_peers", "tunnelmesh_coordinator_heartbeats_total",
        ];
        string[] served = [.. Lines(Status(), Coordinator, new NamedPeer("laptop", Direct)).Select(line => Regex.Replace(line.Split(' ')[0], "\"[^\"]*\"", ""))];
        Assert.All(known, name => Assert.Contains(name, served));
    }

    [Fact]
    public void A_peer_that_is_starting_has_no_counters_yet()
    {
        string[] lines = Lines(Status(plane: false), null);
        Assert.DoesNotContain(lines, l => l.StartsWith("tunnelmesh_packets", StringComparison.Ordinal));
        Assert.Contains("tunnelmesh_active_tunnels 0", lines);
    }

    [Fact]
    public void Text_in_labels_cannot_break_out_of_them() =>
        Assert.Contains("tunnelmesh_reconnects_total{target_peer=\"a\\\\\\\"} 1\\n\"} 3", Lines(Status(), null, new NamedPeer("a\\\"} 1\n", Direct)));

    [Fact]
    public void A_device_that_goes_takes_none_of_the_bytes_along()
    {
        ByteTotals totals = new();
        totals.Add([Direct, Idle with { TxBytes = 5 }]);
        Assert.Equal((1005, 2000), (totals.Sent, totals.Received));
        totals.Add([Idle with { TxBytes = 7 }]);
        Assert.Equal((1007, 2000), (totals.Sent, totals.Received));
        totals.Add([Idle with { TxBytes = 7 }, Direct with { TxBytes = 10, RxBytes = 20 }]);
        Assert.Equal((1017, 2020), (totals.Sent, totals.Received));
        // Begun anew between two looks.
        totals.Add([Idle with { TxBytes = 3 }, Direct with { TxBytes = 11, RxBytes = 21 }]);
        Assert.Equal((1021, 2021), (totals.Sent, totals.Received));
    }

    private static CoordinatorMetrics Coordinator => new() { OnlinePeers = 2, Heartbeats = 9, RelayStreams = 1, RelayDatagramsIn = 1, RelayBytesIn = 2, RelayDatagramsOut = 3, RelayBytesOut = 4, RelayDropped = 5 };
}
