using System.Globalization;
using System.Net;
using TunnelMesh.Cli.Logging;
using TunnelMesh.Coordinator.Access;
using TunnelMesh.Protocol.Addressing;
using TunnelMesh.Protocol.Filter;

namespace TunnelMesh.Cli.Configuration;

/// <summary>The table of all configuration keys. Everything that knows a key knows it from here.</summary>
internal static class ConfigKeys
{
    private static readonly string[] KnownTransports = ["udp", "ssh", "relay"];

    /// <summary>All keys in the order in which a printed file shows them.</summary>
    public static IReadOnlyList<ConfigKey> All { get; } =
    [
        new("name", "a DNS label: letters, digits and hyphens, at most 63", "", "Name of this device in the mesh.",
            Text((s, v) => s.Name = v, IsLabel)) { Derived = "the host name, made DNS-safe" },
        new("ssh_port", "a port, 1-65534", "2222", "TCP port of the SSH transport; udp_port follows it.", Integer(1, 65534, (s, v) => s.SshPort = v)),
        new("udp_port", "a port, 1-65535", "", "UDP port of the encrypted tunnel.", Integer(1, 65535, (s, v) => s.UdpPort = v)) { Derived = "ssh_port + 1" },
        new("private_key", "a path", "", "Identity key, Ed25519 in OpenSSH format; made when it does not exist.",
            Text((s, v) => s.PrivateKey = v, v => v.Length > 0)) { Derived = "~/.tunnelmesh/id_ed25519" },
        new("log_level", "one of trace, debug, info, warn, error", "info", "How much is logged.", Text((s, v) => s.LogLevel = v, LogLevels.Names.Contains)),
        new("tun.name", "an interface name: letters, digits, - _ . (at most 15)", "tun-mesh0", "Name of the TUN interface; macOS knows utunN only, and chooses for any other.", Text((s, v) => s.TunName = v, IsInterfaceName)),
        new("tun.mtu", "a number, 576-65535", "1400", "MTU of the TUN interface in bytes.", Integer(576, 65535, (s, v) => s.TunMtu = v)),
        new("dataplane.tun_offloads", "true or false", "true", "Whether super-packets cross the TUN interface whole; false for diagnosis.", Boolean((s, v) => s.TunOffloads = v)),
        new("dataplane.udp_offloads", "true or false", "true", "Whether datagrams are sent and received in trains; false for diagnosis.", Boolean((s, v) => s.UdpOffloads = v)),
        new("dataplane.lanes", "a number, 1-64", "", "Lanes of the data plane, each with a queue of the TUN interface and a UDP socket; a peer is received by one of them.",
            Integer(1, 64, (s, v) => s.Lanes = v)) { Derived = "1 up to 3 processors, else half of them, at most 8" },
        new("dataplane.threads_per_lane", "1 or 2", "1", "1: a lane's thread does everything, for the shortest round trips; 2: one thread sends while another receives.",
            Integer(1, 2, (s, v) => s.ThreadsPerLane = v)),
        new("dataplane.stay_on_cpu", "true or false", "", "Whether a lane's thread stays on its processor while it is busy and need not wait there much; false leaves it to the scheduler. Linux only, on processors of equal strength.",
            Boolean((s, v) => s.StayOnProcessor = v)) { Derived = "true up to 3 processors, else false" },
        new("dataplane.batch_size", "a size, 64Ki-1Mi", "64Ki", "How much one side of a lane takes before the other has its turn, and the size of its pools.", Size(64 << 10, 1 << 20, (s, v) => s.BatchBytes = v)),
        new("dataplane.socket_buffer", "a size, 64Ki-64Mi", "7Mi", "Receive and send buffer of each UDP socket; the system may give less.", Size(64 << 10, 64 << 20, (s, v) => s.SocketBufferBytes = v)),
        new("fwmark", "a number, 0-4294967295, or 0x and hex digits", "0", "Firewall mark (SO_MARK) on all packets of the peer to the network, for rules of your own; 0 for none. Linux only.", SetMark),
        new("port_mapping", "true or false", "true", "Whether the gateway is asked for a port of its own, by PCP, NAT-PMP or UPnP.", Boolean((s, v) => s.PortMapping = v)),
        new("transports", "a list with at least one of udp, ssh, relay, each once", "[udp, ssh, relay]", "Transports in order of preference.", SetTransports),
        new("dns.listen", "IP address:port, :port or off", "127.0.0.53:5353", "Local DNS resolver, UDP and TCP, beside the one at the mesh address and port 53; off for none.", EndpointOrOff((s, v) => s.DnsListen = v)),
        new("dns.cache_ttl", "seconds, 0-86400", "300", "How long an answer on a name of the mesh may be remembered, in seconds.", Integer(0, 86400, (s, v) => s.DnsCacheTtl = v)),
        new("dns.aliases", "a list of at most 16 names: DNS labels that are not reserved", "[]", "Further names of this device; one that another device has stays that device's.", SetAliases),
        new("dns.system", "true or false", "true", "Whether the system is set up so that every program resolves names of the mesh; put back at the end.", Boolean((s, v) => s.DnsSystem = v)),
        new("exit_peer", "a peer name, or \"\"", "\"\"", "Peer through which this one's traffic to the internet leaves; it has to allow that. docs/exit-peers.md tells more.",
            Text((s, v) => s.ExitPeer = v, IsPeerName)),
        new("exit_offline", "block or direct", "block", "What becomes of that traffic while the exit peer does not answer: it is blocked, or goes out directly.",
            Text((s, v) => s.ExitOfflineDirect = v == "direct", v => v is "block" or "direct")),
        new("exit_lan_access", "true or false", "false", "Whether private networks that this machine is connected to (LAN, containers) stay reachable beside an exit peer. Windows only knows true.", Boolean((s, v) => s.ExitLanAccess = v)),
        new("exit_kill_switch", "true or false", "false", "Whether nothing but the mesh's own packets leaves beside the exit peer, whatever becomes of routes, from the connection of the peer on until somebody here stops it, and over every other end. With a service also from the start of the machine on (Linux). Needs exit_peer or --exit-node. Not on Windows.", Boolean((s, v) => s.ExitKillSwitch = v)),
        new("allow_exit_traffic", "true or false", "false", "Whether the traffic of other peers to the internet may leave through this one. Linux and macOS only.", Boolean((s, v) => s.AllowExitTraffic = v)),
        new("filter.default_deny", "true or false", "", "Whether traffic of other peers that no rule allows is dropped; echo and errors of ICMP and answers to this peer always pass. true here or at the coordinator wins.",
            Boolean((s, v) => s.FilterDefaultDeny = v)) { Derived = "true, unless the coordinator's filter says false" },
        new("filter.rules", "a list of rules such as {port: 22, protocol: tcp, action: allow, source_peer: laptop}", "[]",
            "Rules of the packet filter: a port or range, tcp, udp, icmp or any, allow or deny, a peer or group:NAME; a deny beats every allow of other layers. docs/filter.md tells more.", Rules((s, v) => s.FilterRules = v)),
        Later("wireguard.enabled", "true or false", "false", "Concentrator for stock WireGuard clients."),
        Later("wireguard.listen_port", "a port", "51820", "UDP port of the concentrator."),
        Later("wireguard.endpoint", "host:port", "\"\"", "Address that clients dial; detected when empty."),
        Later("wireguard.mtu", "a number", "1420", "MTU of clients."),
        Later("wireguard.data_dir", "a path", "", "State of the concentrator.") with { Derived = "below TUNNELMESH_HOME" },
        Later("geolocation.latitude", "a number, -90 to 90", "", "Where this peer is.") with { Derived = "unset" },
        Later("geolocation.longitude", "a number, -180 to 180", "", "Where this peer is.") with { Derived = "unset" },
        Later("geolocation.city", "a text", "", "Where this peer is.") with { Derived = "unset" },
        new("metrics_enabled", "true or false", "true", "Whether metrics for Prometheus are served at the mesh address, to the mesh only (docs/metrics.md).", Boolean((s, v) => s.MetricsEnabled = v)),
        new("metrics_port", "a port, 1-65535", "9443", "TCP port of the metrics.", Integer(1, 65535, (s, v) => s.MetricsPort = v)),
        Later("loki.enabled", "true or false", "false", "Shipping of logs to Loki."),
        Later("loki.url", "a URL", "\"\"", "Where Loki is."),
        Later("loki.batch_size", "a number", "100", "Lines in one batch."),
        Later("loki.flush_interval", "a duration", "5s", "Longest time that a line waits."),
        Later("docker.socket", "a URL", "unix:///var/run/docker.sock", "Socket of the Docker engine."),
        Later("docker.auto_port_forward", "true or false", "true", "Whether published container ports are opened in the mesh."),
        new("coordinator.enabled", "true or false", "", "Whether this peer serves the mesh as a coordinator.",
            Boolean((s, v) => s.CoordinatorEnabled = v)) { Derived = "true when `join` is given no server, else false" },
        new("coordinator.listen", "host:port or :port, or a list of them", ":8443", "Listener of API, control and relay streams, TLS; `[\":8443\", \":443\"]` also serves networks that let only 443 out.",
            Endpoints(8, (s, v) => s.CoordinatorListen = v)),
        new("coordinator.relay.enabled", "true or false", "true", "Whether peers that cannot reach each other may send through this coordinator, sealed.", Boolean((s, v) => s.RelayEnabled = v)),
        new("coordinator.relay.rate_limit", "a size, 0-1Ti", "0", "Bytes a second that one device may send through the relay; what is beyond is dropped. 0: no limit; peers that share a destination take turns anyway.",
            Size(0, 1L << 40, (s, v) => s.RelayRateLimit = v)),
        new("coordinator.stun_listen", "host:port, :port or off", ":3478", "STUN binding responder, UDP, at this port and the next; off for none.",
            EndpointOrOff((s, v) => s.CoordinatorStunListen = v)),
        new("coordinator.data_dir", "a path", "/var/lib/tunnelmesh", "Mesh certificates and state of the coordinator.",
            Text((s, v) => s.CoordinatorDataDir = v, v => v.Length > 0)),
        new("coordinator.mesh_cidr", $"a private IPv4 network such as 10.42.0.0/16, within {MeshAddresses.PrivateRanges}, at least a /24", "10.42.0.0/16",
            "Address range of a mesh founded here; a mesh keeps the range it was founded with.", Text((s, v) => s.MeshCidr = v, IsMeshCidr)),
        new("coordinator.admin_peers", $"a list of at most {AdminEntry.Most} peer IDs, names of devices or patterns of names such as ops-*", "[]",
            "Who administers the mesh beside the user of the coordinator: the group all_admin_users. A name stands for the users whose devices have it when it is put here, and for nobody who takes it later; docs/security.md tells more.", SetAdmins),
        Later("coordinator.locations", "true or false", "false", "Whether peers are located."),
        Later("coordinator.monitoring.prometheus_url", "a URL", "\"\"", "Prometheus to show in the dashboard."),
        Later("coordinator.monitoring.grafana_url", "a URL", "\"\"", "Grafana to show in the dashboard."),
        Later("coordinator.s3.max_size", "a size", "1Gi", "Space for objects."),
        Later("coordinator.s3.data_dir", "a path", "", "Where objects are kept.") with { Derived = "{coordinator.data_dir}/s3" },
        Later("coordinator.s3.object_expiry_days", "days", "9125", "Age at which objects end."),
        Later("coordinator.s3.share_expiry_days", "days", "365", "Age at which shares end."),
        Later("coordinator.s3.tombstone_retention_days", "days", "90", "How long deletions are remembered."),
        Later("coordinator.s3.version_retention_days", "days", "30", "How long old versions are kept."),
        Later("coordinator.s3.max_versions_per_object", "a number", "10", "Old versions kept of one object."),
        Later("coordinator.s3.default_share_quota", "a size", "10Mi", "Space of a new share."),
        new("coordinator.filter.default_deny", "true or false", "", "What every peer is told of traffic that no rule allows.",
            Boolean((s, v) => s.CoordinatorFilterDefaultDeny = v)) { Derived = "true for each peer whose own filter.default_deny does not say false" },
        new("coordinator.filter.rules", "a list of rules, as filter.rules", "[]", "Rules of the packet filter for every peer of the mesh.", Rules((s, v) => s.CoordinatorFilterRules = v)),
        new("coordinator.service_ports", "a list of at most 64 ports", "[9443]", "TCP ports of the mesh's own services, open on the coordinator to every peer.", SetServicePorts),
        Later("coordinator.user_expiration_days", "days", "270", "After how many days without a visit a user ends."),
    ];

    private static readonly Dictionary<string, ConfigKey> ByPath = All.ToDictionary(k => k.Path);

    /// <summary>The key at a path, or null.</summary>
    public static ConfigKey? Find(string path) => ByPath.GetValueOrDefault(path);

    /// <summary>Paths that keys lie below.</summary>
    public static IEnumerable<string> Sections => All.SelectMany(k => Prefixes(k.Path)).Distinct();

    /// <summary>True when keys lie below <paramref name="path"/>.</summary>
    public static bool IsSection(string path) => Sections.Contains(path);

    /// <summary>A DNS label as mesh names must be: lower or upper case, 1-63 characters, no hyphen at an end.</summary>
    public static bool IsLabel(string v) =>
        v.Length is > 0 and <= 63 && v[0] != '-' && v[^1] != '-' && v.All(c => char.IsAsciiLetterOrDigit(c) || c == '-');

    private static IEnumerable<string> Prefixes(string path)
    {
        for (int dot = path.IndexOf('.', StringComparison.Ordinal); dot > 0; dot = path.IndexOf('.', dot + 1))
        {
            yield return path[..dot];
        }
    }

    private static ConfigKey Later(string path, string type, string fallback, string doc) =>
        new(path, type, fallback, doc, (_, _) => true) { Supported = false };

    private static Func<Settings, ConfigNode, bool> Text(Action<Settings, string> set, Func<string, bool> check) => (s, n) =>
    {
        if (n.Scalar is null || !check(n.Scalar))
        {
            return false;
        }
        set(s, n.Scalar);
        return true;
    };

    private static Func<Settings, ConfigNode, bool> Integer(int min, int max, Action<Settings, int> set) => (s, n) =>
    {
        if (n.Quoted || !int.TryParse(n.Scalar, NumberStyles.None, CultureInfo.InvariantCulture, out int v) || v < min || v > max)
        {
            return false;
        }
        set(s, v);
        return true;
    };

    private static Func<Settings, ConfigNode, bool> Size(int min, int max, Action<Settings, int> set) => Size(min, (long)max, (s, v) => set(s, (int)v));

    private static Func<Settings, ConfigNode, bool> Size(long min, long max, Action<Settings, long> set) => (s, n) =>
    {
        if (n.Scalar is null || !Quantities.TryParseSize(n.Scalar, out long v) || v < min || v > max)
        {
            return false;
        }
        set(s, v);
        return true;
    };

    private static Func<Settings, ConfigNode, bool> Boolean(Action<Settings, bool> set) => (s, n) =>
    {
        if (n.Quoted || n.Scalar is not ("true" or "false"))
        {
            return false;
        }
        set(s, n.Scalar == "true");
        return true;
    };

    private static Func<Settings, ConfigNode, bool> Endpoints(int most, Action<Settings, IReadOnlyList<HostPort>> set) => (s, n) =>
    {
        List<HostPort> endpoints = [];
        foreach (ConfigNode item in n.Items ?? [n])
        {
            if (item.Scalar is null || !HostPort.TryParse(item.Scalar, out HostPort v) || endpoints.Contains(v))
            {
                return false;
            }
            endpoints.Add(v);
        }
        if (endpoints.Count == 0 || endpoints.Count > most)
        {
            return false;
        }
        set(s, endpoints);
        return true;
    };

    private static Func<Settings, ConfigNode, bool> EndpointOrOff(Action<Settings, HostPort?> set) => (s, n) =>
    {
        if (n.Scalar is "off" or "false" && !n.Quoted)
        {
            set(s, null);
            return true;
        }
        return Endpoints(1, (settings, v) => set(settings, v[0]))(s, n);
    };

    private static Func<Settings, ConfigNode, bool> Rules(Action<Settings, IReadOnlyList<FilterRule>> set) => (s, n) =>
    {
        if (ConfigRules.Read(n) is not { } rules)
        {
            return false;
        }
        set(s, rules);
        return true;
    };

    private static bool SetServicePorts(Settings s, ConfigNode n)
    {
        if (ConfigRules.ReadPorts(n, 64) is not { } ports)
        {
            return false;
        }
        s.CoordinatorServicePorts = ports;
        return true;
    }

    private static bool SetAliases(Settings s, ConfigNode n)
    {
        if (n.Items is null)
        {
            return false;
        }
        if (n.Items.Count > MeshName.MaxAliases)
        {
            throw new ConfigValueException(n.Items[MeshName.MaxAliases].Line, $"more than {MeshName.MaxAliases} names, found {n.Items.Count}; keep those that are used.");
        }
        s.DnsAliases = [.. n.Items.Select(Alias).Distinct()];
        return true;
    }

    /// <exception cref="ConfigValueException">It is no name for a device.</exception>
    private static string Alias(ConfigNode item)
    {
        string name = item.Fields is null ? item.Scalar?.ToLowerInvariant() ?? "" : "";
        return MeshName.IsReserved(name) ? throw new ConfigValueException(item.Line, $"`{name}` is reserved: it means something else in every mesh. Choose another name.")
            : name.Length > MeshName.MaxLength ? throw new ConfigValueException(item.Line, $"`{item.Shown}` has {name.Length} characters; a name has at most {MeshName.MaxLength}.")
            : MeshName.IsValid(name) ? name
            : throw new ConfigValueException(item.Line, $"expected names of letters, digits and inner hyphens, at most {MeshName.MaxLength} characters each; found `{item.Shown}`.");
    }

    private static bool SetAdmins(Settings s, ConfigNode n)
    {
        if (n.Items is null)
        {
            return false;
        }
        if (n.Items.Count > AdminEntry.Most)
        {
            throw new ConfigValueException(n.Items[AdminEntry.Most].Line, $"more than {AdminEntry.Most} entries, found {n.Items.Count}; join names to patterns.");
        }
        s.AdminPeers = [.. n.Items.Select(Admin).Distinct()];
        return true;
    }

    /// <exception cref="ConfigValueException">It can stand for nobody.</exception>
    private static string Admin(ConfigNode item)
    {
        string entry = item.Fields is null ? item.Scalar?.ToLowerInvariant() ?? "" : "";
        return AdminEntry.IsValid(entry) ? entry
            : throw new ConfigValueException(item.Line, $"expected peer IDs (16 hex digits), names of devices, or patterns of names with * and ?, such as ops-*; found `{item.Shown}`.");
    }

    private static bool SetTransports(Settings s, ConfigNode n)
    {
        string?[] names = [.. (n.Items ?? []).Select(i => i.Scalar?.ToLowerInvariant())];
        if (names.Length == 0 || names.Any(name => !KnownTransports.Contains(name)) || names.Distinct().Count() != names.Length)
        {
            return false;
        }
        s.Transports = [.. names.OfType<string>()];
        return true;
    }

    // As `ip rule` and nft take it.
    private static bool SetMark(Settings s, ConfigNode n)
    {
        bool hex = n.Scalar?.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ?? false;
        if (!uint.TryParse(hex ? n.Scalar.AsSpan(2) : n.Scalar, hex ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out uint mark))
        {
            return false;
        }
        s.FirewallMark = mark;
        return true;
    }

    private static bool IsPeerName(string v) => v.Length <= 80 && v.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or ':');

    private static bool IsInterfaceName(string v) =>
        v.Length is > 0 and <= 15 && v is not ("all" or "default") && char.IsAsciiLetterOrDigit(v[0]) && v.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    private static bool IsMeshCidr(string v) =>
        MeshAddresses.TryParseCidr(v, out IPNetwork net, out _) && net.PrefixLength <= 24;
}
