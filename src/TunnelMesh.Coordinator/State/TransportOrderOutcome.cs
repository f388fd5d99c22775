namespace TunnelMesh.Coordinator.State;

/// <summary>What became of an order of transports.</summary>
public enum TransportOrderOutcome
{
    /// <summary>It is stored, or gone.</summary>
    Changed,

    /// <summary>It was so already.</summary>
    Unchanged,

    /// <summary>The device, or one of the pair, is no member; or the pair is one device.</summary>
    UnknownDevice,

    /// <summary>There are as many as a device, or the mesh, may have.</summary>
    TooMany,
}
