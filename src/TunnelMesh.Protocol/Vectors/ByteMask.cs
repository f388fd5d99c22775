using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace TunnelMesh.Protocol.Vectors;

/// <summary>The first bytes of a vector, 0 to 64 of them: what lies behind is neither read nor written, and no fault comes from there. AVX-512 BW.</summary>
internal static unsafe class ByteMask
{
    /// <summary>Loads <paramref name="count"/> bytes; the others are zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Load(byte* from, int count) => Avx512BW.MaskLoad(from, First(count), Vector512<byte>.Zero);

    /// <summary>Stores the first <paramref name="count"/> bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* to, int count, Vector512<byte> value) => Avx512BW.MaskStore(to, First(count), value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> First(int count) => Avx512BW.CompareLessThan(Vector512.Create(
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
        32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, (byte)63), Vector512.Create((byte)count));
}
