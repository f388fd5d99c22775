using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace TunnelMesh.Protocol.Noise.Vectors;

/// <summary>
/// ChaCha20 (RFC 8439, 2.3) for one packet: a row of the state is a vector, and one vector holds that row of four consecutive
/// blocks. Few blocks are made with little latency: 4, 8 or 24 of them, the larger numbers as interleaved sets of four.
/// AVX-512 F. No branch and no index depends on key, nonce or data.
/// </summary>
internal static unsafe class ChaChaRows
{
    /// <summary>The most blocks one call makes.</summary>
    public const int MaxBlocks = 24;

    /// <summary>Writes keystream blocks <paramref name="counter"/>, counter + 1, … (4, 8 or 24 of them, at least <paramref name="blocks"/>).</summary>
    /// <param name="key">32 bytes.</param>
    /// <param name="nonce">12 bytes.</param>
    /// <param name="counter">Block counter of the first block.</param>
    /// <param name="blocks">1 to <see cref="MaxBlocks"/>.</param>
    /// <param name="stream">64-byte aligned, room for the next larger number of blocks that is made.</param>
    /// <returns>Blocks written.</returns>
    public static int Fill(byte* key, byte* nonce, uint counter, int blocks, byte* stream)
    {
        Vector512<uint> d = Avx512F.Add(
            Spread(Vector128.Create(counter, *(uint*)nonce, *(uint*)(nonce + 4), *(uint*)(nonce + 8))),
            Vector512.Create(0u, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0));
        if (blocks <= 4)
        {
            Fill4(key, d, stream);
            return 4;
        }
        if (blocks <= 8)
        {
            Fill8(key, d, stream);
            return 8;
        }
        Fill24(key, d, stream);
        return 24;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Fill4(byte* key, Vector512<uint> d, byte* stream)
    {
        Vector512<uint> a = Constants(), b = Avx512F.BroadcastVector128ToVector512((uint*)key), c = Avx512F.BroadcastVector128ToVector512((uint*)(key + 16)), e = d;
        Vector512<uint> a0 = a, b0 = b, c0 = c, d0 = e;
        for (int i = 0; i < 10; i++)
        {
            Half(ref a0, ref b0, ref c0, ref d0);
            Diagonal(ref b0, ref c0, ref d0);
            Half(ref a0, ref b0, ref c0, ref d0);
            Column(ref b0, ref c0, ref d0);
        }
        Write(Avx512F.Add(a, a0), Avx512F.Add(b, b0), Avx512F.Add(c, c0), Avx512F.Add(d, d0), stream);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Fill8(byte* key, Vector512<uint> d, byte* stream)
    {
        Vector512<uint> a = Constants(), b = Avx512F.BroadcastVector128ToVector512((uint*)key), c = Avx512F.BroadcastVector128ToVector512((uint*)(key + 16));
        Vector512<uint> e = Avx512F.Add(d, Step(4));
        Vector512<uint> a0 = a, b0 = b, c0 = c, d0 = d, a1 = a, b1 = b, c1 = c, d1 = e;
        for (int i = 0; i < 10; i++)
        {
            Half(ref a0, ref b0, ref c0, ref d0);
            Half(ref a1, ref b1, ref c1, ref d1);
            Diagonal(ref b0, ref c0, ref d0);
            Diagonal(ref b1, ref c1, ref d1);
            Half(ref a0, ref b0, ref c0, ref d0);
            Half(ref a1, ref b1, ref c1, ref d1);
            Column(ref b0, ref c0, ref d0);
            Column(ref b1, ref c1, ref d1);
        }
        Write(Avx512F.Add(a, a0), Avx512F.Add(b, b0), Avx512F.Add(c, c0), Avx512F.Add(d, d0), stream);
        Write(Avx512F.Add(a, a1), Avx512F.Add(b, b1), Avx512F.Add(c, c1), Avx512F.Add(e, d1), stream + 256);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Fill24(byte* key, Vector512<uint> d, byte* stream)
    {
        Vector512<uint> a = Constants(), b = Avx512F.BroadcastVector128ToVector512((uint*)key), c = Avx512F.BroadcastVector128ToVector512((uint*)(key + 16));
        Vector512<uint> a0 = a, b0 = b, c0 = c, d0 = d, a1 = a, b1 = b, c1 = c, d1 = Avx512F.Add(d, Step(4)), a2 = a, b2 = b, c2 = c, d2 = Avx512F.Add(d, Step(8));
        Vector512<uint> a3 = a, b3 = b, c3 = c, d3 = Avx512F.Add(d, Step(12)), a4 = a, b4 = b, c4 = c, d4 = Avx512F.Add(d, Step(16)), a5 = a, b5 = b, c5 = c, d5 = Avx512F.Add(d, Step(20));
        for (int i = 0; i < 10; i++)
        {
            Half(ref a0, ref b0, ref c0, ref d0);
            Half(ref a1, ref b1, ref c1, ref d1);
            Half(ref a2, ref b2, ref c2, ref d2);
            Half(ref a3, ref b3, ref c3, ref d3);
            Half(ref a4, ref b4, ref c4, ref d4);
            Half(ref a5, ref b5, ref c5, ref d5);
            Diagonal(ref b0, ref c0, ref d0);
            Diagonal(ref b1, ref c1, ref d1);
            Diagonal(ref b2, ref c2, ref d2);
            Diagonal(ref b3, ref c3, ref d3);
            Diagonal(ref b4, ref c4, ref d4);
            Diagonal(ref b5, ref c5, ref d5);
            Half(ref a0, ref b0, ref c0, ref d0);
            Half(ref a1, ref b1, ref c1, ref d1);
            Half(ref a2, ref b2, ref c2, ref d2);
            Half(ref a3, ref b3, ref c3, ref d3);
            Half(ref a4, ref b4, ref c4, ref d4);
            Half(ref a5, ref b5, ref c5, ref d5);
            Column(ref b0, ref c0, ref d0);
            Column(ref b1, ref c1, ref d1);
            Column(ref b2, ref c2, ref d2);
            Column(ref b3, ref c3, ref d3);
            Column(ref b4, ref c4, ref d4);
            Column(ref b5, ref c5, ref d5);
        }
        // Read again, so that the rounds have the registers for themselves.
        b = Avx512F.BroadcastVector128ToVector512((uint*)key);
        c = Avx512F.BroadcastVector128ToVector512((uint*)(key + 16));
        Write(Avx512F.Add(a, a0), Avx512F.Add(b, b0), Avx512F.Add(c, c0), Avx512F.Add(d, d0), stream);
        Write(Avx512F.Add(a, a1), Avx512F.Add(b, b1), Avx512F.Add(c, c1), Avx512F.Add(Avx512F.Add(d, Step(4)), d1), stream + 256);
        Write(Avx512F.Add(a, a2), Avx512F.Add(b, b2), Avx512F.Add(c, c2), Avx512F.Add(Avx512F.Add(d, Step(8)), d2), stream + 512);
        Write(Avx512F.Add(a, a3), Avx512F.Add(b, b3), Avx512F.Add(c, c3), Avx512F.Add(Avx512F.Add(d, Step(12)), d3), stream + 768);
        Write(Avx512F.Add(a, a4), Avx512F.Add(b, b4), Avx512F.Add(c, c4), Avx512F.Add(Avx512F.Add(d, Step(16)), d4), stream + 1024);
        Write(Avx512F.Add(a, a5), Avx512F.Add(b, b5), Avx512F.Add(c, c5), Avx512F.Add(Avx512F.Add(d, Step(20)), d5), stream + 1280);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Spread(Vector128<uint> row) => Avx512F.BroadcastVector128ToVector512((uint*)&row);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Constants() => Vector512.Create(
        0x61707865u, 0x3320646e, 0x79622d32, 0x6b206574, 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574,
        0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Step(uint blocks) => Vector512.Create(blocks, 0, 0, 0, blocks, 0, 0, 0, blocks, 0, 0, 0, blocks, 0, 0, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Half(ref Vector512<uint> a, ref Vector512<uint> b, ref Vector512<uint> c, ref Vector512<uint> d)
    {
        a = Avx512F.Add(a, b);
        d = Avx512F.RotateLeft(Avx512F.Xor(d, a), 16);
        c = Avx512F.Add(c, d);
        b = Avx512F.RotateLeft(Avx512F.Xor(b, c), 12);
        a = Avx512F.Add(a, b);
        d = Avx512F.RotateLeft(Avx512F.Xor(d, a), 8);
        c = Avx512F.Add(c, d);
        b = Avx512F.RotateLeft(Avx512F.Xor(b, c), 7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Diagonal(ref Vector512<uint> b, ref Vector512<uint> c, ref Vector512<uint> d)
    {
        b = Avx512F.Shuffle(b, 0x39);
        c = Avx512F.Shuffle(c, 0x4e);
        d = Avx512F.Shuffle(d, 0x93);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Column(ref Vector512<uint> b, ref Vector512<uint> c, ref Vector512<uint> d)
    {
        b = Avx512F.Shuffle(b, 0x93);
        c = Avx512F.Shuffle(c, 0x4e);
        d = Avx512F.Shuffle(d, 0x39);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(Vector512<uint> a, Vector512<uint> b, Vector512<uint> c, Vector512<uint> d, byte* to)
    {
        Vector512<uint> ab = Avx512F.Shuffle4x128(a, b, 0x44), cd = Avx512F.Shuffle4x128(c, d, 0x44);
        Avx512F.StoreAligned((uint*)to, Avx512F.Shuffle4x128(ab, cd, 0x88));
        Avx512F.StoreAligned((uint*)(to + 64), Avx512F.Shuffle4x128(ab, cd, 0xdd));
        ab = Avx512F.Shuffle4x128(a, b, 0xee);
        cd = Avx512F.Shuffle4x128(c, d, 0xee);
        Avx512F.StoreAligned((uint*)(to + 128), Avx512F.Shuffle4x128(ab, cd, 0x88));
        Avx512F.StoreAligned((uint*)(to + 192), Avx512F.Shuffle4x128(ab, cd, 0xdd));
    }
}
