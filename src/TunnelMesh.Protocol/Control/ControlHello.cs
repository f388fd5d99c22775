namespace TunnelMesh.Protocol.Control;

/// <summary>First message on a control stream, peer to coordinator.</summary>
public sealed record ControlHello
{
    /// <summary>JSON type name.</summary>
    public const string TypeName = "control_hello";
    /// <summary>Highest protocol version.</summary>
    public required int Version { get; init; }
    /// <summary>Oldest protocol version.</summary>
    public required int OldestVersion { get; init; }
    /// <summary>Optional features.</summary>
    public IReadOnlyList<string> Capabilities { get; init => field = WireList.Of(value); } = [];
    /// <summary>Epoch of the cached map; empty if none.</summary>
    public string MapEpoch { get; init => field = value ?? ""; } = "";
    /// <summary>Number of the cached map; deltas after it are wanted.</summary>
    public long MapNumber { get; init; }
    /// <summary>The peer's own UDP port; the coordinator combines it with the address it sees.</summary>
    public int UdpPort { get; init; }
    /// <summary>The TCP port of the peer's SSH transport; 0 for none.</summary>
    public int SshPort { get; init; }
    /// <summary>The peer's interface addresses as endpoints.</summary>
    public IReadOnlyList<string> Endpoints { get; init => field = WireList.Of(value); } = [];
    /// <summary>Preferred transports.</summary>
    public IReadOnlyList<string> Transports { get; init => field = WireList.Of(value); } = [];
    /// <summary>Further names this device wants in the mesh, DNS labels, 16 at most; those that others have stay theirs. Null leaves them as they are.</summary>
    public IReadOnlyList<string>? Aliases { get; init => field = WireList.OrNull(value); }
    /// <summary>True when the device lets others' traffic out to the internet.</summary>
    public bool AllowsExit { get; init; }
    /// <summary>Program version, for display.</summary>
    public string ProgramVersion { get; init => field = value ?? ""; } = "";
    /// <summary>Random text made once at each start of the program: tells a reconnection from a second machine with the same device key.</summary>
    public string Instance { get; init => field = value ?? ""; } = "";
}
