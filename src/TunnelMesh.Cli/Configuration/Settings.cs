using TunnelMesh.Protocol.Filter;

namespace TunnelMesh.Cli.Configuration;

/// <summary>The configuration of one peer, all defaults in place. Filled by <see cref="ConfigReader"/>, read-only afterwards.</summary>
internal sealed class Settings
{
    /// <summary>Requested device name; empty: the host name made DNS-safe.</summary>
    public string Name { get; set; } = "";
    /// <summary>TCP port of the SSH transport.</summary>
    public int SshPort { get; set; } = 2222;
    /// <summary>UDP port of the tunnel as configured; 0: derived, see <see cref="EffectiveUdpPort"/>.</summary>
    public int UdpPort { get; set; }
    /// <summary>UDP port of the tunnel.</summary>
    public int EffectiveUdpPort => UdpPort != 0 ? UdpPort : SshPort + 1;
    /// <summary>Path of the identity key; empty: <c>id_ed25519</c> in the home directory of TunnelMesh.</summary>
    public string PrivateKey { get; set; } = "";
    /// <summary>trace, debug, info, warn or error.</summary>
    public string LogLevel { get; set; } = "info";
    /// <summary>Name of the TUN interface.</summary>
    public string TunName { get; set; } = "tun-mesh0";
    /// <summary>MTU of the TUN interface in bytes.</summary>
    public int TunMtu { get; set; } = 1400;
    /// <summary>Whether super-packets cross the TUN interface whole.</summary>
    public bool TunOffloads { get; set; } = true;
    /// <summary>Whether datagrams are sent and received in trains.</summary>
    public bool UdpOffloads { get; set; } = true;
    /// <summary>Lanes of the data plane as configured; 0: derived, see <see cref="EffectiveLanes"/>.</summary>
    public int Lanes { get; set; }
    /// <summary>Lanes of the data plane. On few processors a second lane only takes time from the first, and from the programs that talk through it.</summary>
    public int EffectiveLanes => Lanes != 0 ? Lanes : Environment.ProcessorCount <= 3 ? 1 : Math.Min(Environment.ProcessorCount / 2, 8);
    /// <summary>Threads of a lane, 1 or 2.</summary>
    public int ThreadsPerLane { get; set; } = 1;
    /// <summary>Whether threads of lanes stay on a processor while they are busy, as configured; null: derived, see <see cref="EffectiveStayOnProcessor"/>.</summary>
    public bool? StayOnProcessor { get; set; }
    /// <summary>Whether threads of lanes stay on a processor while they are busy. Measured on two, where a thread often waits behind the one that woke it; among many there is mostly an idle one.</summary>
    public bool EffectiveStayOnProcessor => StayOnProcessor ?? Environment.ProcessorCount <= 3;
    /// <summary>Bytes that one side of a lane takes before the other has its turn.</summary>
    public int BatchBytes { get; set; } = 64 << 10;
    /// <summary>Buffer of each UDP socket in bytes, each way.</summary>
    public int SocketBufferBytes { get; set; } = 7 << 20;
    /// <summary>Mark on everything the peer sends to the network; 0 for none.</summary>
    public uint FirewallMark { get; set; }
    /// <summary>Whether the gateway is asked for a port.</summary>
    public bool PortMapping { get; set; } = true;
    /// <summary>Transports in order of preference.</summary>
    public IReadOnlyList<string> Transports { get; set; } = ["udp", "ssh", "relay"];
    /// <summary>Local DNS resolver; null: none but the one at the mesh address.</summary>
    public HostPort? DnsListen { get; set; } = new("127.0.0.53", 5353);
    /// <summary>Seconds for which an answer on a name of the mesh may be remembered.</summary>
    public int DnsCacheTtl { get; set; } = 300;
    /// <summary>Further names of this device, lower case.</summary>
    public IReadOnlyList<string> DnsAliases { get; set; } = [];
    /// <summary>Whether the system is told where names of the mesh are answered.</summary>
    public bool DnsSystem { get; set; } = true;
    /// <summary>The device through which traffic to the internet leaves; empty for none.</summary>
    public string ExitPeer { get; set; } = "";
    /// <summary>Whether others' traffic to the internet leaves here.</summary>
    public bool AllowExitTraffic { get; set; }
    /// <summary>Whether traffic goes past an exit peer that does not answer; else it is blocked.</summary>
    public bool ExitOfflineDirect { get; set; }
    /// <summary>Whether private networks that this machine is connected to stay reachable beside an exit peer.</summary>
    public bool ExitLanAccess { get; set; }
    /// <summary>Whether nothing leaves beside an exit peer, also without this process.</summary>
    public bool ExitKillSwitch { get; set; }
    /// <summary>Whether metrics are served at the mesh addresses.</summary>
    public bool MetricsEnabled { get; set; } = true;
    /// <summary>TCP port of the metrics.</summary>
    public int MetricsPort { get; set; } = 9443;
    /// <summary>Whether traffic that no rule is about is dropped; null: unless the coordinator says otherwise.</summary>
    public bool? FilterDefaultDeny { get; set; }
    /// <summary>This peer's rules of the packet filter.</summary>
    public IReadOnlyList<FilterRule> FilterRules { get; set; } = [];
    /// <summary>Whether this peer serves the mesh; null: when <c>join</c> is given no server.</summary>
    public bool? CoordinatorEnabled { get; set; }
    /// <summary>Listeners of the coordinator, at least one; the first is the one that peers are told first.</summary>
    public IReadOnlyList<HostPort> CoordinatorListen { get; set; } = [new("", 8443)];
    /// <summary>Whether the coordinator relays between peers.</summary>
    public bool RelayEnabled { get; set; } = true;
    /// <summary>Bytes a second that one device may send through the relay; 0: as many as it can.</summary>
    public long RelayRateLimit { get; set; }
    /// <summary>STUN responder of the coordinator; null: none.</summary>
    public HostPort? CoordinatorStunListen { get; set; } = new("", 3478);
    /// <summary>Directory of the coordinator's state.</summary>
    public string CoordinatorDataDir { get; set; } = "/var/lib/tunnelmesh";
    /// <summary>Who administers the mesh beside the user of the coordinator: peer IDs, names of devices or patterns of names, lower case.</summary>
    public IReadOnlyList<string> AdminPeers { get; set; } = [];
    /// <summary>What every peer is told of traffic that no rule is about; null: nothing.</summary>
    public bool? CoordinatorFilterDefaultDeny { get; set; }
    /// <summary>Rules of the packet filter for every peer.</summary>
    public IReadOnlyList<FilterRule> CoordinatorFilterRules { get; set; } = [];
    /// <summary>TCP ports that are open on coordinators for every peer.</summary>
    public IReadOnlyList<int> CoordinatorServicePorts { get; set; } = [9443];
    /// <summary>Mesh range of a mesh founded by this coordinator, CIDR.</summary>
    public string MeshCidr { get; set; } = "10.42.0.0/16";
}
