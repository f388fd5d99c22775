namespace TunnelMesh.Simulation.Network;

/// <summary>What is attached to a network: a host, or one side of a NAT.</summary>
internal interface INetworkNode
{
    /// <summary>Takes a datagram that has arrived.</summary>
    void Receive(VirtualNetwork from, Datagram datagram);
}
