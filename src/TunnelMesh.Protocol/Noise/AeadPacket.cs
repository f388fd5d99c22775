namespace TunnelMesh.Protocol.Noise;

/// <summary>One packet of a batch in a shared buffer: its data, and the tag of 16 bytes right behind it.</summary>
/// <param name="Offset">Where the data begins in the buffer, in bytes.</param>
/// <param name="Length">Length of the data in bytes, without the tag; 0 for a keepalive.</param>
/// <param name="Counter">The packet's nonce; when sealing never used twice under one key.</param>
public record struct AeadPacket(int Offset, int Length, ulong Counter)
{
    /// <summary>Set by opening: true when the tag fitted. The data of a packet that is not authentic is all zero.</summary>
    public bool IsAuthentic { get; set; }
}
