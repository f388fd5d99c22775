namespace TunnelMesh.Protocol.Control;

/// <summary>One device of the mesh, as every viewer sees it.</summary>
public sealed record MapDevice
{
    /// <summary>Device ID: hex of the first 16 bytes of SHA-256 over the device key.</summary>
    public required string Id { get; init; }
    /// <summary>User ID = peer ID, 16 hex digits.</summary>
    public required string User { get; init; }
    /// <summary>Unique name in the mesh, a DNS label.</summary>
    public required string Name { get; init; }
    /// <summary>Further names, each of them of this device alone.</summary>
    public IReadOnlyList<string> Aliases { get; init => field = WireList.Of(value); } = [];
    /// <summary>Mesh IPv4 address.</summary>
    public required string Ip { get; init; }
    /// <summary>Mesh IPv6 address.</summary>
    public required string Ip6 { get; init; }
    /// <summary>Approved prefixes: only inner sources within them are accepted from this device.</summary>
    public required IReadOnlyList<string> Prefixes { get; init => field = WireList.Of(value); }
    /// <summary>Raw X25519 device key.</summary>
    public required byte[] DeviceKey { get; init; }
    /// <summary>Raw Ed25519 identity key.</summary>
    public required byte[] IdentityKey { get; init; }
    /// <summary>Signed device record, verified by each viewer itself.</summary>
    public required byte[] Record { get; init; }
    /// <summary>Candidate UDP endpoints, ip:port or [ip6]:port, best first.</summary>
    public IReadOnlyList<string> Endpoints { get; init => field = WireList.Of(value); } = [];
    /// <summary>TCP port of the device's SSH transport, at the same addresses; 0 for none.</summary>
    public int SshPort { get; init; }
    /// <summary>Transports in order of preference: udp, ssh, relay.</summary>
    public IReadOnlyList<string> Transports { get; init => field = WireList.Of(value); } = [];
    /// <summary>Orders of transports that the coordinator keeps for the device, and for pairs of which it has the smaller ID; null for none.</summary>
    public IReadOnlyList<TransportPreference>? Preferences { get; init => field = WireList.OrNull(value); }
    /// <summary>Groups that the device's user is in, <c>everyone</c> left out; null for none.</summary>
    public IReadOnlyList<string>? Groups { get; init => field = WireList.OrNull(value); }
    /// <summary>True while a control stream of the device lives; a hint, never a reason to stop a tunnel.</summary>
    public bool Online { get; init; }
    /// <summary>Unix seconds at which the device was last connected; 0 if never.</summary>
    public long LastSeen { get; init; }
    /// <summary>True for coordinators.</summary>
    public bool Coordinator { get; init; }
    /// <summary>True when the device said last that it lets others' traffic out to the internet.</summary>
    public bool AllowsExit { get; init; }
    /// <summary>Program version, for display.</summary>
    public string ProgramVersion { get; init => field = value ?? ""; } = "";
}
