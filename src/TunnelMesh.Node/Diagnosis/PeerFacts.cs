using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Node.Nat;

namespace TunnelMesh.Node.Diagnosis;

/// <summary>What a diagnosis is made of. A snapshot.</summary>
public sealed record PeerFacts
{
    /// <summary>The device's name.</summary>
    public required string Name { get; init; }
    /// <summary>Presence as the coordinator told it.</summary>
    public required bool Online { get; init; }
    /// <summary>The tunnel and its paths; null while there is none.</summary>
    public required PeerStats? Stats { get; init; }
    /// <summary>How this peer is seen from outside; null while that is not known.</summary>
    public required NatReport? Nat { get; init; }
    /// <summary>False while the coordinator is not reached: its STUN servers, too, are silent then, which tells nothing of UDP.</summary>
    public bool CoordinatorReached { get; init; } = true;
    /// <summary>True when some device beyond this network is heard over UDP.</summary>
    public bool UdpWorks { get; init; }
    /// <summary>False where this machine has neither an address nor a default route.</summary>
    public bool HasNetwork { get; init; } = true;
    /// <summary>The stream to the relay; null where this peer uses none.</summary>
    public required RelayReport? Relay { get; init; }
    /// <summary>Why the device was not reached over SSH the last time; null when it was, or was not tried.</summary>
    public string? SshProblem { get; init; }
    /// <summary>TCP port of the device's SSH transport; 0 for none.</summary>
    public int PeerSshPort { get; init; }
    /// <summary>Transports of this peer, by name.</summary>
    public required IReadOnlyList<string> OwnTransports { get; init; }
    /// <summary>The order that the coordinator keeps for the device and this one, by name; null for none.</summary>
    public IReadOnlyList<string>? MeshOrder { get; init; }
    /// <summary>Transports that the device names; empty for all.</summary>
    public required IReadOnlyList<string> PeerTransports { get; init; }
}
