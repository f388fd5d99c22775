namespace TunnelMesh.Node.Filter;

/// <summary>Where a rule comes from. No layer is above another: a deny in any of them beats an allow in every other.</summary>
public enum FilterLayer
{
    /// <summary>From the coordinator, for every peer of the mesh.</summary>
    Coordinator,

    /// <summary>From this peer's configuration.</summary>
    Peer,

    /// <summary>From the command line of the running peer; gone at its end.</summary>
    Temporary,

    /// <summary>What the mesh itself serves on this device.</summary>
    Service,
}
