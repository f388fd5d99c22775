namespace TunnelMesh.Simulation.Network;

/// <summary>What became of a datagram.</summary>
internal enum Fate
{
    /// <summary>Handed to whom it was addressed.</summary>
    Arrived,

    /// <summary>Lost by chance.</summary>
    Lost,

    /// <summary>Larger than the link takes.</summary>
    TooLarge,

    /// <summary>The queue before a link of limited bandwidth was full.</summary>
    QueueFull,

    /// <summary>The way is cut in this direction.</summary>
    Cut,

    /// <summary>Nobody has the address.</summary>
    NoSuchAddress,

    /// <summary>Nobody listens on the port.</summary>
    NoSuchPort,

    /// <summary>A NAT has no mapping for it.</summary>
    NoMapping,

    /// <summary>A NAT does not let this sender in.</summary>
    Filtered,

    /// <summary>It should have turned round in a NAT that does not do that.</summary>
    NoHairpin,
}
