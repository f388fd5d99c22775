using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Node.Control;

/// <summary>What a control stream needs. Callbacks run on the stream's own task, one at a time, and must not block.</summary>
public sealed record ControlStreamOptions
{
    /// <summary>Keys, name and the coordinator to dial first; the map's others are tried in turn.</summary>
    public required JoinRequest Request { get; init; }
    /// <summary>The pinned mesh root, DER.</summary>
    public required byte[] MeshRoot { get; init; }
    /// <summary>The mesh as it was joined: a map of another one, or of other ranges, is refused.</summary>
    public required MeshInfo Mesh { get; init; }
    /// <summary>The client certificate to begin with, or null to renew first; the stream owns it.</summary>
    public PeerCertificate? Certificate { get; init; }
    /// <summary>The map from the cache, or null.</summary>
    public NetworkMap? Map { get; init; }
    /// <summary>Pins of names.</summary>
    public required KeyPins Pins { get; init; }
    /// <summary>The peer's endpoints and port, asked at each connection.</summary>
    public required Func<EndpointsUpdate> Endpoints { get; init; }
    /// <summary>Transports in order of preference.</summary>
    public IReadOnlyList<string> Transports { get; init; } = [];
    /// <summary>Further names this device wants; null leaves them as they are.</summary>
    public IReadOnlyList<string>? Aliases { get; init; }

    /// <summary>Whether this device lets others' traffic out to the internet.</summary>
    public bool AllowsExit { get; init; }
    /// <summary>Told of each change of the map.</summary>
    public required Action<MapChange> OnMap { get; init; }
    /// <summary>This device's NAT in the words of <see cref="Meeting.Nat"/> and <see cref="Meeting.Mapped"/>; null for not known.</summary>
    public Func<(string? Nat, string? Mapped)>? Nat { get; init; }
    /// <summary>Told of each device that wants to meet this one.</summary>
    public Action<Meeting>? OnMeeting { get; init; }
    /// <summary>Told of each change of state.</summary>
    public required Action<ControlState> OnState { get; init; }
    /// <summary>Told of each renewal, to store it.</summary>
    public required Action<JoinResult> OnRenewed { get; init; }
}
