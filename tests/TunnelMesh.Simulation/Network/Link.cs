namespace TunnelMesh.Simulation.Network;

/// <summary>How a node hangs on a network: conditions each way, which may change at any time.</summary>
internal sealed class Link
{
    /// <summary>From the node into the network.</summary>
    public LinkDirection Up { get; } = new();

    /// <summary>From the network to the node.</summary>
    public LinkDirection Down { get; } = new();

    /// <summary>Sets both directions.</summary>
    public void Set(LinkConditions conditions) => (Up.Conditions, Down.Conditions) = (conditions, conditions);
}
