namespace TunnelMesh.SystemTests.Capture;

internal enum ChecksumVerdict
{
    /// <summary>All checksums are there and right.</summary>
    Right,

    /// <summary>The transport's is to be completed by the kernel, and what the kernel starts from is right.</summary>
    RightPartial,

    /// <summary>A checksum is wrong or missing, or the packet is not what its lengths say.</summary>
    Wrong,

    /// <summary>Has no checksum that could be judged: a fragment, or another protocol.</summary>
    None,
}
