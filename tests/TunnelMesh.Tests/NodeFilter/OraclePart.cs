namespace TunnelMesh.Tests.NodeFilter;

/// <summary>Which part of a datagram a fragment is.</summary>
/// <param name="Id">Number of the datagram.</param>
/// <param name="Start">Where it begins, in bytes.</param>
/// <param name="More">Whether others follow; with <paramref name="Start"/> 0 and none that follow it is a whole packet.</param>
/// <param name="Tiny">Whether, as the first one, it has 8 bytes: less than a header of TCP.</param>
internal readonly record struct OraclePart(uint Id, int Start, bool More, bool Tiny)
{
    /// <summary>Bytes.</summary>
    public int Length => Tiny && Start == 0 ? 8 : 24;
}
