namespace TunnelMesh.Protocol.Noise.Vectors;

/// <summary>A packet for <see cref="PolyLanes.Tags"/>.</summary>
internal unsafe struct PolyPacket
{
    /// <summary>First byte; not read when <see cref="Length"/> is 0.</summary>
    public byte* Data;

    /// <summary>The one-time key of 32 bytes, at the beginning of 64 bytes that can be read.</summary>
    public byte* Key;

    /// <summary>Length of the data in bytes.</summary>
    public int Length;

    /// <summary>Its place in the batch.</summary>
    public int Index;
}
