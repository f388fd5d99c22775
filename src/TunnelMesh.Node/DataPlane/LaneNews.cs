namespace TunnelMesh.Node.DataPlane;

/// <summary>What a letter tells about a peer's paths.</summary>
internal enum LaneNews
{
    /// <summary>Nothing: look at its timers, or take its packet.</summary>
    None,

    /// <summary>Something was sent to it while nobody watched.</summary>
    Resumed,

    /// <summary>A carrier has a way to it now.</summary>
    Opened,

    /// <summary>A carrier has no way to it any more.</summary>
    Closed,

    /// <summary>It is probing us from these addresses now.</summary>
    Meet,

    /// <summary>The network of this machine changed. Without a tunnel: for all.</summary>
    NetworkChanged,
}
