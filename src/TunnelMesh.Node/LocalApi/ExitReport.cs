namespace TunnelMesh.Node.LocalApi;

/// <summary>Exit traffic: through which peer this machine's leaves, and whether others' leaves here. The JSON names are stable.</summary>
public sealed record ExitReport
{
    /// <summary>The exit peer that was chosen, as it was written; null for none.</summary>
    public string? Peer { get; init; }
    /// <summary><c>active</c>, <c>offline</c>, <c>not_offered</c>, <c>unknown</c> (no such device), <c>self</c> or <c>starting</c>; null for none.</summary>
    public string? State { get; init; }
    /// <summary>Where this machine's traffic to the internet goes: <c>exit</c>, <c>blocked</c> or <c>direct</c>.</summary>
    public required string Traffic { get; init; }
    /// <summary>Since when it is so; null where no exit peer was chosen.</summary>
    public DateTimeOffset? Since { get; init; }
    /// <summary>What becomes of the traffic while the exit peer does not answer: <c>block</c> or <c>direct</c>.</summary>
    public required string WhenOffline { get; init; }
    /// <summary>Whether private networks that this machine is connected to stay reachable.</summary>
    public required bool LanAccess { get; init; }
    /// <summary>Whether everything that is not the mesh's is kept from leaving beside the exit peer.</summary>
    public required bool KillSwitch { get; init; }
    /// <summary>Whether the system does so, too, from its start on until the peer is connected.</summary>
    public bool KillSwitchAtBoot { get; init; }
    /// <summary>Whether this machine lets others' traffic out.</summary>
    public required bool Allows { get; init; }
    /// <summary>Packets sent to the internet: through the exit peer, or for others.</summary>
    public required long Packets { get; init; }
    /// <summary>Bytes of these packets.</summary>
    public required long Bytes { get; init; }
    /// <summary>How often another program had taken away rules for packets, and they were put back.</summary>
    public int RulesRestored { get; init; }
    /// <summary>What does not work, for people; null when all is well.</summary>
    public string? Problem { get; init; }
}
