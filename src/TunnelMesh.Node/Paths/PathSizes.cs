namespace TunnelMesh.Node.Paths;

/// <summary>The sizes tried on a path that does not carry full packets. Multiples of 16, to which WireGuard pads, so that a padded packet is no longer than what was tried.</summary>
internal static class PathSizes
{
    // 1216 fits an underlay of 1280 bytes over IPv4 and 1200 one over IPv6: 32 of WireGuard, 8 of UDP, 20 or 40 of IP.
    private static readonly int[] All =
        [32752, 16368, 8944, 4464, 2992, 1456, 1440, 1424, 1408, 1392, 1376, 1360, 1344, 1328, 1312, 1280, 1248, 1216, 1200, 1168, 1136, 1104, 1040, 976, 848, 720, 576, 512];

    /// <summary>The least that a path must carry to be used.</summary>
    public static int Least => All[^1];

    /// <summary>Sizes below one that does not go through, the largest first.</summary>
    public static ReadOnlySpan<int> Below(int full)
    {
        int first = Array.FindIndex(All, s => s < full);
        return first < 0 ? [] : All.AsSpan(first);
    }
}
