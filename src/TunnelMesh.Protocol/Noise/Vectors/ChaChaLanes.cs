using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace TunnelMesh.Protocol.Noise.Vectors;

/// <summary>
/// ChaCha20 (RFC 8439, 2.3) for the blocks in a <see cref="LaneQueue"/>: a word of the state is a vector, and every lane a block of its own, of
/// any packet. 32 blocks as two interleaved sets fill all 32 registers; 16 alone wait for their own results and take four fifths of the time.
/// AVX-512 F. No branch and no index depends on key, nonce or data.
/// </summary>
internal static unsafe class ChaChaLanes
{
    /// <summary>Xors the keystream of lanes 0 to 31 into the memory they point to, 64 bytes each.</summary>
    public static void Xor32(LaneQueue* queue)
    {
        Rounds32(queue);
        Apply((Vector512<uint>*)queue->Rows, (byte**)queue->Target);
        Apply((Vector512<uint>*)queue->Rows + 16, (byte**)queue->Target + 16);
    }

    /// <summary>The same for lanes 0 to 15.</summary>
    public static void Xor16(LaneQueue* queue)
    {
        Rounds16(queue);
        Apply((Vector512<uint>*)queue->Rows, (byte**)queue->Target);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rounds16(LaneQueue* queue)
    {
        Vector512<uint> a0 = Load(queue->Key, 0), a1 = Load(queue->Key, 1), a2 = Load(queue->Key, 2), a3 = Load(queue->Key, 3);
        Vector512<uint> a4 = Load(queue->Key, 4), a5 = Load(queue->Key, 5), a6 = Load(queue->Key, 6), a7 = Load(queue->Key, 7);
        Vector512<uint> a8 = Load(queue->Key, 8), a9 = Load(queue->Key, 9), a10 = Load(queue->Key, 10), a11 = Load(queue->Key, 11);
        Vector512<uint> a12 = Load(queue->Counter, 0), a13 = Load(queue->Nonce0, 0), a14 = Load(queue->Nonce1, 0), a15 = Load(queue->Nonce2, 0);
        for (int i = 0; i < 10; i++)
        {
            Quarters(
                ref a0, ref a1, ref a2, ref a3,
                ref a4, ref a5, ref a6, ref a7,
                ref a8, ref a9, ref a10, ref a11,
                ref a12, ref a13, ref a14, ref a15);
            Quarters(
                ref a0, ref a1, ref a2, ref a3,
                ref a5, ref a6, ref a7, ref a4,
                ref a10, ref a11, ref a8, ref a9,
                ref a15, ref a12, ref a13, ref a14);
        }
        Vector512<uint>* rows = (Vector512<uint>*)queue->Rows;
        rows[0] = Avx512F.Add(a0, Load(queue->Key, 0));
        rows[1] = Avx512F.Add(a1, Load(queue->Key, 1));
        rows[2] = Avx512F.Add(a2, Load(queue->Key, 2));
        rows[3] = Avx512F.Add(a3, Load(queue->Key, 3));
        rows[4] = Avx512F.Add(a4, Load(queue->Key, 4));
        rows[5] = Avx512F.Add(a5, Load(queue->Key, 5));
        rows[6] = Avx512F.Add(a6, Load(queue->Key, 6));
        rows[7] = Avx512F.Add(a7, Load(queue->Key, 7));
        rows[8] = Avx512F.Add(a8, Load(queue->Key, 8));
        rows[9] = Avx512F.Add(a9, Load(queue->Key, 9));
        rows[10] = Avx512F.Add(a10, Load(queue->Key, 10));
        rows[11] = Avx512F.Add(a11, Load(queue->Key, 11));
        rows[12] = Avx512F.Add(a12, Load(queue->Counter, 0));
        rows[13] = Avx512F.Add(a13, Load(queue->Nonce0, 0));
        rows[14] = Avx512F.Add(a14, Load(queue->Nonce1, 0));
        rows[15] = Avx512F.Add(a15, Load(queue->Nonce2, 0));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rounds32(LaneQueue* queue)
    {
        Vector512<uint> a0 = Load(queue->Key, 0), a1 = Load(queue->Key, 1), a2 = Load(queue->Key, 2), a3 = Load(queue->Key, 3);
        Vector512<uint> a4 = Load(queue->Key, 4), a5 = Load(queue->Key, 5), a6 = Load(queue->Key, 6), a7 = Load(queue->Key, 7);
        Vector512<uint> a8 = Load(queue->Key, 8), a9 = Load(queue->Key, 9), a10 = Load(queue->Key, 10), a11 = Load(queue->Key, 11);
        Vector512<uint> a12 = Load(queue->Counter, 0), a13 = Load(queue->Nonce0, 0), a14 = Load(queue->Nonce1, 0), a15 = Load(queue->Nonce2, 0);
        Vector512<uint> b0 = Load(queue->Key, 0), b1 = Load(queue->Key, 1), b2 = Load(queue->Key, 2), b3 = Load(queue->Key, 3);
        Vector512<uint> b4 = Load(queue->Key, 4), b5 = Load(queue->Key, 5), b6 = Load(queue->Key, 6), b7 = Load(queue->Key, 7);
        Vector512<uint> b8 = Load(queue->Key, 8), b9 = Load(queue->Key, 9), b10 = Load(queue->Key, 10), b11 = Load(queue->Key, 11);
        Vector512<uint> b12 = Load(queue->Counter, 1), b13 = Load(queue->Nonce0, 0), b14 = Load(queue->Nonce1, 1), b15 = Load(queue->Nonce2, 1);
        for (int i = 0; i < 10; i++)
        {
            Quarters(
                ref a0, ref a1, ref a2, ref a3,
                ref a4, ref a5, ref a6, ref a7,
                ref a8, ref a9, ref a10, ref a11,
                ref a12, ref a13, ref a14, ref a15);
            Quarters(
                ref b0, ref b1, ref b2, ref b3,
                ref b4, ref b5, ref b6, ref b7,
                ref b8, ref b9, ref b10, ref b11,
                ref b12, ref b13, ref b14, ref b15);
            Quarters(
                ref a0, ref a1, ref a2, ref a3,
                ref a5, ref a6, ref a7, ref a4,
                ref a10, ref a11, ref a8, ref a9,
                ref a15, ref a12, ref a13, ref a14);
            Quarters(
                ref b0, ref b1, ref b2, ref b3,
                ref b5, ref b6, ref b7, ref b4,
                ref b10, ref b11, ref b8, ref b9,
                ref b15, ref b12, ref b13, ref b14);
        }
        Vector512<uint>* rows = (Vector512<uint>*)queue->Rows;
        rows[0] = Avx512F.Add(a0, Load(queue->Key, 0));
        rows[1] = Avx512F.Add(a1, Load(queue->Key, 1));
        rows[2] = Avx512F.Add(a2, Load(queue->Key, 2));
        rows[3] = Avx512F.Add(a3, Load(queue->Key, 3));
        rows[4] = Avx512F.Add(a4, Load(queue->Key, 4));
        rows[5] = Avx512F.Add(a5, Load(queue->Key, 5));
        rows[6] = Avx512F.Add(a6, Load(queue->Key, 6));
        rows[7] = Avx512F.Add(a7, Load(queue->Key, 7));
        rows[8] = Avx512F.Add(a8, Load(queue->Key, 8));
        rows[9] = Avx512F.Add(a9, Load(queue->Key, 9));
        rows[10] = Avx512F.Add(a10, Load(queue->Key, 10));
        rows[11] = Avx512F.Add(a11, Load(queue->Key, 11));
        rows[12] = Avx512F.Add(a12, Load(queue->Counter, 0));
        rows[13] = Avx512F.Add(a13, Load(queue->Nonce0, 0));
        rows[14] = Avx512F.Add(a14, Load(queue->Nonce1, 0));
        rows[15] = Avx512F.Add(a15, Load(queue->Nonce2, 0));
        rows += 16;
        rows[0] = Avx512F.Add(b0, Load(queue->Key, 0));
        rows[1] = Avx512F.Add(b1, Load(queue->Key, 1));
        rows[2] = Avx512F.Add(b2, Load(queue->Key, 2));
        rows[3] = Avx512F.Add(b3, Load(queue->Key, 3));
        rows[4] = Avx512F.Add(b4, Load(queue->Key, 4));
        rows[5] = Avx512F.Add(b5, Load(queue->Key, 5));
        rows[6] = Avx512F.Add(b6, Load(queue->Key, 6));
        rows[7] = Avx512F.Add(b7, Load(queue->Key, 7));
        rows[8] = Avx512F.Add(b8, Load(queue->Key, 8));
        rows[9] = Avx512F.Add(b9, Load(queue->Key, 9));
        rows[10] = Avx512F.Add(b10, Load(queue->Key, 10));
        rows[11] = Avx512F.Add(b11, Load(queue->Key, 11));
        rows[12] = Avx512F.Add(b12, Load(queue->Counter, 1));
        rows[13] = Avx512F.Add(b13, Load(queue->Nonce0, 0));
        rows[14] = Avx512F.Add(b14, Load(queue->Nonce1, 1));
        rows[15] = Avx512F.Add(b15, Load(queue->Nonce2, 1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Load(uint* words, int vector) => Avx512F.LoadAlignedVector512(words + (vector * 16));

    // Turns words of 16 blocks into 16 blocks.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Apply(Vector512<uint>* rows, byte** to)
    {
        Vector512<uint> t0 = Avx512F.UnpackLow(rows[0], rows[1]), t1 = Avx512F.UnpackHigh(rows[0], rows[1]);
        Vector512<uint> t2 = Avx512F.UnpackLow(rows[2], rows[3]), t3 = Avx512F.UnpackHigh(rows[2], rows[3]);
        Vector512<uint> w00 = Low(t0, t2), w01 = High(t0, t2), w02 = Low(t1, t3), w03 = High(t1, t3);
        Vector512<uint> t4 = Avx512F.UnpackLow(rows[4], rows[5]), t5 = Avx512F.UnpackHigh(rows[4], rows[5]);
        Vector512<uint> t6 = Avx512F.UnpackLow(rows[6], rows[7]), t7 = Avx512F.UnpackHigh(rows[6], rows[7]);
        Vector512<uint> w10 = Low(t4, t6), w11 = High(t4, t6), w12 = Low(t5, t7), w13 = High(t5, t7);
        Vector512<uint> t8 = Avx512F.UnpackLow(rows[8], rows[9]), t9 = Avx512F.UnpackHigh(rows[8], rows[9]);
        Vector512<uint> t10 = Avx512F.UnpackLow(rows[10], rows[11]), t11 = Avx512F.UnpackHigh(rows[10], rows[11]);
        Vector512<uint> w20 = Low(t8, t10), w21 = High(t8, t10), w22 = Low(t9, t11), w23 = High(t9, t11);
        Vector512<uint> t12 = Avx512F.UnpackLow(rows[12], rows[13]), t13 = Avx512F.UnpackHigh(rows[12], rows[13]);
        Vector512<uint> t14 = Avx512F.UnpackLow(rows[14], rows[15]), t15 = Avx512F.UnpackHigh(rows[14], rows[15]);
        Vector512<uint> w30 = Low(t12, t14), w31 = High(t12, t14), w32 = Low(t13, t15), w33 = High(t13, t15);
        Gather(w00, w10, w20, w30, to + 0);
        Gather(w01, w11, w21, w31, to + 1);
        Gather(w02, w12, w22, w32, to + 2);
        Gather(w03, w13, w23, w33, to + 3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Gather(Vector512<uint> w0, Vector512<uint> w1, Vector512<uint> w2, Vector512<uint> w3, byte** to)
    {
        Vector512<uint> low = Avx512F.Shuffle4x128(w0, w1, 0x44), high = Avx512F.Shuffle4x128(w2, w3, 0x44);
        XorInto(to[0], Avx512F.Shuffle4x128(low, high, 0x88));
        XorInto(to[4], Avx512F.Shuffle4x128(low, high, 0xdd));
        low = Avx512F.Shuffle4x128(w0, w1, 0xee);
        high = Avx512F.Shuffle4x128(w2, w3, 0xee);
        XorInto(to[8], Avx512F.Shuffle4x128(low, high, 0x88));
        XorInto(to[12], Avx512F.Shuffle4x128(low, high, 0xdd));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void XorInto(byte* to, Vector512<uint> stream) => Avx512F.Store((uint*)to, Avx512F.Xor(stream, Avx512F.LoadVector512((uint*)to)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Low(Vector512<uint> left, Vector512<uint> right) => Avx512F.UnpackLow(left.AsUInt64(), right.AsUInt64()).AsUInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> High(Vector512<uint> left, Vector512<uint> right) => Avx512F.UnpackHigh(left.AsUInt64(), right.AsUInt64()).AsUInt32();

    // Four quarter rounds, step by step beside each other.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quarters(
        ref Vector512<uint> a0, ref Vector512<uint> a1, ref Vector512<uint> a2, ref Vector512<uint> a3,
        ref Vector512<uint> b0, ref Vector512<uint> b1, ref Vector512<uint> b2, ref Vector512<uint> b3,
        ref Vector512<uint> c0, ref Vector512<uint> c1, ref Vector512<uint> c2, ref Vector512<uint> c3,
        ref Vector512<uint> d0, ref Vector512<uint> d1, ref Vector512<uint> d2, ref Vector512<uint> d3)
    {
        a0 = Avx512F.Add(a0, b0);
        a1 = Avx512F.Add(a1, b1);
        a2 = Avx512F.Add(a2, b2);
        a3 = Avx512F.Add(a3, b3);
        d0 = Avx512F.RotateLeft(Avx512F.Xor(d0, a0), 16);
        d1 = Avx512F.RotateLeft(Avx512F.Xor(d1, a1), 16);
        d2 = Avx512F.RotateLeft(Avx512F.Xor(d2, a2), 16);
        d3 = Avx512F.RotateLeft(Avx512F.Xor(d3, a3), 16);
        c0 = Avx512F.Add(c0, d0);
        c1 = Avx512F.Add(c1, d1);
        c2 = Avx512F.Add(c2, d2);
        c3 = Avx512F.Add(c3, d3);
        b0 = Avx512F.RotateLeft(Avx512F.Xor(b0, c0), 12);
        b1 = Avx512F.RotateLeft(Avx512F.Xor(b1, c1), 12);
        b2 = Avx512F.RotateLeft(Avx512F.Xor(b2, c2), 12);
        b3 = Avx512F.RotateLeft(Avx512F.Xor(b3, c3), 12);
        a0 = Avx512F.Add(a0, b0);
        a1 = Avx512F.Add(a1, b1);
        a2 = Avx512F.Add(a2, b2);
        a3 = Avx512F.Add(a3, b3);
        d0 = Avx512F.RotateLeft(Avx512F.Xor(d0, a0), 8);
        d1 = Avx512F.RotateLeft(Avx512F.Xor(d1, a1), 8);
        d2 = Avx512F.RotateLeft(Avx512F.Xor(d2, a2), 8);
        d3 = Avx512F.RotateLeft(Avx512F.Xor(d3, a3), 8);
        c0 = Avx512F.Add(c0, d0);
        c1 = Avx512F.Add(c1, d1);
        c2 = Avx512F.Add(c2, d2);
        c3 = Avx512F.Add(c3, d3);
        b0 = Avx512F.RotateLeft(Avx512F.Xor(b0, c0), 7);
        b1 = Avx512F.RotateLeft(Avx512F.Xor(b1, c1), 7);
        b2 = Avx512F.RotateLeft(Avx512F.Xor(b2, c2), 7);
        b3 = Avx512F.RotateLeft(Avx512F.Xor(b3, c3), 7);
    }
}
