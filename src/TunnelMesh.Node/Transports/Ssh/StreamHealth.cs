namespace TunnelMesh.Node.Transports.Ssh;

/// <summary>What is to be done about a stream.</summary>
internal enum StreamHealth
{
    /// <summary>Nothing.</summary>
    Fine,

    /// <summary>A sign of life is due: a heartbeat is to be sent.</summary>
    Quiet,

    /// <summary>It carries nothing: it is to be given up.</summary>
    Dead,
}
