namespace TunnelMesh.Node.Paths;

/// <summary>Sends probes for <see cref="PeerPaths"/>.</summary>
internal interface IPathProber
{
    /// <summary>Sends a probe.</summary>
    /// <param name="path">Over which path.</param>
    /// <param name="size">Bytes of the inner packet it stands for.</param>
    /// <param name="proven">False when nobody has shown yet that the address is the peer's: such probes are limited, so that nobody can be made to flood a stranger.</param>
    /// <returns>Its challenge; null when it could not be sent, for want of keys or by the limit.</returns>
    ulong? Probe(in PathAddress path, int size, bool proven);
}
