using System.Runtime.InteropServices;

namespace TunnelMesh.Protocol.Noise.Vectors;

/// <summary>What a run over a part of a batch keeps, 64-byte aligned on the stack of the call, which zeroes it: it holds keystream and one-time keys.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct BatchScratch
{
    /// <summary>The most packets of one run.</summary>
    public const int Packets = 32;

    /// <summary>Blocks that wait for their keystream.</summary>
    public LaneQueue Queue;

    /// <summary>Block 0 of each packet, 64 bytes each: its first half is the one-time key.</summary>
    public fixed byte Keys[Packets * 64];

    /// <summary>Keystream for what is left of each packet after whole blocks, 64 bytes each.</summary>
    public fixed byte Tails[Packets * 64];

    /// <summary>The tag of each packet.</summary>
    public fixed byte Tags[Packets * 16];

    private fixed byte _sorted[Packets * 24];

    /// <summary>The packets by length.</summary>
    public static PolyPacket* Sorted(BatchScratch* scratch) => (PolyPacket*)scratch->_sorted;
}
