namespace TunnelMesh.Node.Paths;

/// <summary>Where a peer's datagrams go now; swapped whole, so that any thread reads one decision.</summary>
/// <param name="First">The path; empty when nothing is known.</param>
/// <param name="Second">While there is doubt about the first, the same datagrams go here as well, of which a receiver drops the later copy as a replay; else empty.</param>
/// <param name="Mtu">The largest inner packet in bytes that goes through whole.</param>
internal sealed record PathRoute(PathAddress First, PathAddress Second, int Mtu)
{
    /// <summary>Nothing is known.</summary>
    public static readonly PathRoute None = new(default, default, int.MaxValue);
}
