using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using TunnelMesh.Protocol.Vectors;

namespace TunnelMesh.Protocol.Noise.Vectors;

/// <summary>
/// Poly1305 (RFC 8439, 2.5) in the eight 64-bit lanes of a vector, with limbs of 26 bits, two blocks a lane for one reduction: eight packets beside each
/// other, each under its own key, or eight stretches of one long message. AVX-512 F and BW. No branch and no index depends on key or data; lengths are public.
/// <para>Bounds: limbs are below 2^26 + 2^12 after a reduction and below 2^27.1 with a block added, a multiplier's are below 2^26 + 2^12 and 5 times that, so a sum of
/// ten products is below 2^59 and its carry times 5 fits 64 bits.</para>
/// </summary>
internal static unsafe class PolyLanes
{
    /// <summary>Packets at once.</summary>
    public const int Lanes = 8;

    // A multiplier is nine vectors: limbs 0 to 4, and limbs 1 to 4 times 5.
    private const int Multiplier = 9;

    /// <summary>
    /// Tags of up to eight packets: Poly1305 over nothing associated, the data padded, and the lengths (2.8). Cost follows the longest packet.
    /// </summary>
    /// <param name="packets">1 to 8 packets: data, length in bytes and one-time key of 32 bytes in memory of 64.</param>
    /// <param name="count">How many.</param>
    /// <param name="tags">16 bytes for each packet.</param>
    [SkipLocalsInit, MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Tags(PolyPacket* packets, int count, byte* tags)
    {
        byte* memory = stackalloc byte[(2 * Multiplier * 64) + 64];
        Vector512<ulong>* r = (Vector512<ulong>*)(((nint)memory + 63) & ~63), rr = r + Multiplier;

        // Lanes without a packet do the first one's work again.
        PolyPacket p0 = packets[0], p1 = packets[count > 1 ? 1 : 0], p2 = packets[count > 2 ? 2 : 0], p3 = packets[count > 3 ? 3 : 0];
        PolyPacket p4 = packets[count > 4 ? 4 : 0], p5 = packets[count > 5 ? 5 : 0], p6 = packets[count > 6 ? 6 : 0], p7 = packets[count > 7 ? 7 : 0];
        Turn(
            Row(p0.Key, 0), Row(p1.Key, 0), Row(p2.Key, 0), Row(p3.Key, 0), Row(p4.Key, 0), Row(p5.Key, 0), Row(p6.Key, 0), Row(p7.Key, 0),
            out Vector512<ulong> low, out Vector512<ulong> high, out Vector512<ulong> addLow, out Vector512<ulong> addHigh, out _, out _, out _, out _);
        Vector512<ulong> h0, h1, h2, h3, h4, m0, m1, m2, m3, m4, t0, t1, t2, t3, t4, t5, t6, t7;
        Split(
            Avx512F.And(low, Vector512.Create(0x0ffffffc0ffffffful)), Avx512F.And(high, Vector512.Create(0x0ffffffc0ffffffcul)),
            Vector512<ulong>.Zero, out h0, out h1, out h2, out h3, out h4);
        Keep(r, h0, h1, h2, h3, h4);
        Times(r, ref h0, ref h1, ref h2, ref h3, ref h4);
        Keep(rr, h0, h1, h2, h3, h4);
        h0 = h1 = h2 = h3 = h4 = Vector512<ulong>.Zero;

        int shortest = Math.Min(Math.Min(Math.Min(p0.Length, p1.Length), Math.Min(p2.Length, p3.Length)), Math.Min(Math.Min(p4.Length, p5.Length), Math.Min(p6.Length, p7.Length)));
        int longest = Math.Max(Math.Max(Math.Max(p0.Length, p1.Length), Math.Max(p2.Length, p3.Length)), Math.Max(Math.Max(p4.Length, p5.Length), Math.Max(p6.Length, p7.Length)));
        int at = 0;
        for (; at + 64 <= shortest; at += 64)
        {
            Turn(
                Row(p0.Data, at), Row(p1.Data, at), Row(p2.Data, at), Row(p3.Data, at), Row(p4.Data, at), Row(p5.Data, at), Row(p6.Data, at), Row(p7.Data, at),
                out t0, out t1, out t2, out t3, out t4, out t5, out t6, out t7);
            Twice(t0, t1, t2, t3, r, rr, ref h0, ref h1, ref h2, ref h3, ref h4);
            Twice(t4, t5, t6, t7, r, rr, ref h0, ref h1, ref h2, ref h3, ref h4);
        }
        Vector512<long> lengths = Vector512.Create(p0.Length, p1.Length, p2.Length, p3.Length, p4.Length, p5.Length, p6.Length, (long)p7.Length);
        Vector512<ulong> top = Vector512.Create(1ul << 24);
        for (; at < longest; at += 64)
        {
            Turn(
                Rest(p0, at), Rest(p1, at), Rest(p2, at), Rest(p3, at), Rest(p4, at), Rest(p5, at), Rest(p6, at), Rest(p7, at),
                out t0, out t1, out t2, out t3, out t4, out t5, out t6, out t7);
            for (int block = at; block < at + 64 && block < longest; block += 16)
            {
                Split(t0, t1, top, out m0, out m1, out m2, out m3, out m4);
                m0 = Avx512F.Add(m0, h0);
                m1 = Avx512F.Add(m1, h1);
                m2 = Avx512F.Add(m2, h2);
                m3 = Avx512F.Add(m3, h3);
                m4 = Avx512F.Add(m4, h4);
                Times(r, ref m0, ref m1, ref m2, ref m3, ref m4);
                // Lanes whose packet has ended keep what they have.
                Vector512<ulong> live = Avx512F.CompareGreaterThan(lengths, Vector512.Create((long)block)).AsUInt64();
                h0 = Avx512F.BlendVariable(h0, m0, live);
                h1 = Avx512F.BlendVariable(h1, m1, live);
                h2 = Avx512F.BlendVariable(h2, m2, live);
                h3 = Avx512F.BlendVariable(h3, m3, live);
                h4 = Avx512F.BlendVariable(h4, m4, live);
                (t0, t1, t2, t3, t4, t5) = (t2, t3, t4, t5, t6, t7);
            }
        }
        Split(Vector512<ulong>.Zero, lengths.AsUInt64(), top, out m0, out m1, out m2, out m3, out m4);
        h0 = Avx512F.Add(m0, h0);
        h1 = Avx512F.Add(m1, h1);
        h2 = Avx512F.Add(m2, h2);
        h3 = Avx512F.Add(m3, h3);
        h4 = Avx512F.Add(m4, h4);
        Times(r, ref h0, ref h1, ref h2, ref h3, ref h4);
        Reduce(ref h0, ref h1, ref h2, ref h3, ref h4);

        // The sum with the key's second half, modulo 2^128.
        low = Avx512F.Or(Avx512F.Or(h0, Avx512F.ShiftLeftLogical(h1, 26)), Avx512F.ShiftLeftLogical(h2, 52));
        high = Avx512F.Or(Avx512F.Or(Avx512F.ShiftRightLogical(h2, 12), Avx512F.ShiftLeftLogical(h3, 14)), Avx512F.ShiftLeftLogical(h4, 40));
        low = Avx512F.Add(low, addLow);
        high = Avx512F.Add(high, addHigh);
        high = Avx512F.Subtract(high, Avx512F.CompareLessThan(low, addLow));
        ulong* lows = (ulong*)r, highs = lows + Lanes;
        Avx512F.StoreAligned(lows, low);
        Avx512F.StoreAligned(highs, high);
        for (int i = 0; i < count; i++)
        {
            ((ulong*)tags)[2 * i] = lows[i];
            ((ulong*)tags)[(2 * i) + 1] = highs[i];
        }
        new Span<byte>(memory, (2 * Multiplier * 64) + 64).Clear();
    }

    /// <summary>Takes whole blocks of one message, eight at a time.</summary>
    /// <param name="h">The state: three limbs of 64 bits, the last below 8.</param>
    /// <param name="low">r, clamped, bits 0 to 63.</param>
    /// <param name="high">r, clamped, bits 64 to 127.</param>
    /// <param name="data">128 · <paramref name="eights"/> bytes.</param>
    /// <param name="eights">1 or more.</param>
    [SkipLocalsInit, MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Absorb(ulong* h, ulong low, ulong high, byte* data, int eights)
    {
        const int Size = 4 * Multiplier * 64;
        byte* memory = stackalloc byte[Size + 64];
        Vector512<ulong>* eighth = (Vector512<ulong>*)(((nint)memory + 63) & ~63), sixteenth = eighth + Multiplier, last = sixteenth + Multiplier, beforeLast = last + Multiplier;

        // r^8 to r^1 for the lanes, which hold blocks 0 4 1 5 2 6 3 7.
        ulong* powers = (ulong*)beforeLast;
        ulong p0 = low, p1 = high, p2 = 0, s1 = high + (high >> 2);
        for (int power = 1; power <= 8; power++)
        {
            int block = 8 - power, lane = ((block & 3) * 2) + (block >> 2);
            powers[lane] = p0;
            powers[8 + lane] = p1;
            powers[16 + lane] = p2;
            if (power < 8)
            {
                PolyScalar.Multiply(ref p0, ref p1, ref p2, low, high, s1);
            }
        }
        Vector512<ulong> h0, h1, h2, h3, h4, m0, m1, m2, m3, m4;
        Split(
            Avx512F.LoadAlignedVector512(powers), Avx512F.LoadAlignedVector512(powers + 8), Avx512F.ShiftLeftLogical(Avx512F.LoadAlignedVector512(powers + 16), 24),
            out h0, out h1, out h2, out h3, out h4);
        Keep(last, h0, h1, h2, h3, h4);
        Keep(eighth, First(h0), First(h1), First(h2), First(h3), First(h4));
        Times(eighth, ref h0, ref h1, ref h2, ref h3, ref h4);
        Keep(beforeLast, h0, h1, h2, h3, h4);
        Keep(sixteenth, First(h0), First(h1), First(h2), First(h3), First(h4));

        Split(
            Vector512.CreateScalar(h[0]), Vector512.CreateScalar(h[1]), Vector512.CreateScalar(h[2] << 24), out h0, out h1, out h2, out h3, out h4);
        Vector512<ulong> top = Vector512.Create(1ul << 24), a, b;
        if ((eights & 1) != 0)
        {
            a = Row(data, 0);
            b = Row(data, 64);
            Split(Avx512F.UnpackLow(a, b), Avx512F.UnpackHigh(a, b), top, out m0, out m1, out m2, out m3, out m4);
            h0 = Avx512F.Add(m0, h0);
            h1 = Avx512F.Add(m1, h1);
            h2 = Avx512F.Add(m2, h2);
            h3 = Avx512F.Add(m3, h3);
            h4 = Avx512F.Add(m4, h4);
            Times(eights == 1 ? last : eighth, ref h0, ref h1, ref h2, ref h3, ref h4);
            data += 128;
        }
        for (int pairs = eights >> 1; pairs > 0; pairs--, data += 256)
        {
            a = Row(data, 0);
            b = Row(data, 64);
            Vector512<ulong> c = Row(data, 128), d = Row(data, 192);
            Vector512<ulong>* one = pairs == 1 ? last : eighth, two = pairs == 1 ? beforeLast : sixteenth;
            Twice(Avx512F.UnpackLow(a, b), Avx512F.UnpackHigh(a, b), Avx512F.UnpackLow(c, d), Avx512F.UnpackHigh(c, d), one, two, ref h0, ref h1, ref h2, ref h3, ref h4);
        }
        // Eight limbs below 2^27 make one below 2^30.
        ulong l0 = Vector512.Sum(h0), l1 = Vector512.Sum(h1), l2 = Vector512.Sum(h2), l3 = Vector512.Sum(h3), l4 = Vector512.Sum(h4);
        const ulong Mask = (1ul << 26) - 1;
        l1 += l0 >> 26;
        l2 += l1 >> 26;
        l3 += l2 >> 26;
        l4 += l3 >> 26;
        l0 = (l0 & Mask) + ((l4 >> 26) * 5);
        l4 &= Mask;
        l1 = (l1 & Mask) + (l0 >> 26);
        l0 &= Mask;
        // Limb 1 may be 2^26 still, so this adds.
        l2 = (l2 & Mask) + (l1 >> 26);
        l1 &= Mask;
        l3 = (l3 & Mask) + (l2 >> 26);
        l2 &= Mask;
        l4 += l3 >> 26;
        l3 &= Mask;
        h[0] = l0 | (l1 << 26) | (l2 << 52);
        h[1] = (l2 >> 12) | (l3 << 14) | (l4 << 40);
        h[2] = l4 >> 24;
        new Span<byte>(memory, Size + 64).Clear();
    }

    // Turns eight rows of eight words into eight columns.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn(
        Vector512<ulong> a0, Vector512<ulong> a1, Vector512<ulong> a2, Vector512<ulong> a3, Vector512<ulong> a4, Vector512<ulong> a5, Vector512<ulong> a6, Vector512<ulong> a7,
        out Vector512<ulong> t0, out Vector512<ulong> t1, out Vector512<ulong> t2, out Vector512<ulong> t3, out Vector512<ulong> t4, out Vector512<ulong> t5, out Vector512<ulong> t6, out Vector512<ulong> t7)
    {
        Quarter(Avx512F.UnpackLow(a0, a1), Avx512F.UnpackLow(a2, a3), Avx512F.UnpackLow(a4, a5), Avx512F.UnpackLow(a6, a7), out t0, out t2, out t4, out t6);
        Quarter(Avx512F.UnpackHigh(a0, a1), Avx512F.UnpackHigh(a2, a3), Avx512F.UnpackHigh(a4, a5), Avx512F.UnpackHigh(a6, a7), out t1, out t3, out t5, out t7);
    }

    // Part q of the vectors goes to vector q: pairs of lanes stay together.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quarter(
        Vector512<ulong> a, Vector512<ulong> b, Vector512<ulong> c, Vector512<ulong> d,
        out Vector512<ulong> q0, out Vector512<ulong> q1, out Vector512<ulong> q2, out Vector512<ulong> q3)
    {
        Vector512<ulong> ab = Avx512F.Shuffle4x128(a, b, 0x44), cd = Avx512F.Shuffle4x128(c, d, 0x44);
        q0 = Avx512F.Shuffle4x128(ab, cd, 0x88);
        q1 = Avx512F.Shuffle4x128(ab, cd, 0xdd);
        ab = Avx512F.Shuffle4x128(a, b, 0xee);
        cd = Avx512F.Shuffle4x128(c, d, 0xee);
        q2 = Avx512F.Shuffle4x128(ab, cd, 0x88);
        q3 = Avx512F.Shuffle4x128(ab, cd, 0xdd);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Row(byte* data, int at) => Avx512F.LoadVector512((ulong*)(data + at));

    // Up to 64 bytes from there, zeros where the packet has ended; nothing behind its end is read.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Rest(PolyPacket packet, int at)
    {
        int left = Math.Clamp(packet.Length - at, 0, 64);
        return ByteMask.Load(packet.Data + Math.Min(at, packet.Length), left).AsUInt64();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> First(Vector512<ulong> limbs) => Vector512.Create(limbs.ToScalar());

    // 130 bits into limbs; top holds what is above bit 127, in place for the last limb.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Split(
        Vector512<ulong> low, Vector512<ulong> high, Vector512<ulong> top,
        out Vector512<ulong> m0, out Vector512<ulong> m1, out Vector512<ulong> m2, out Vector512<ulong> m3, out Vector512<ulong> m4)
    {
        Vector512<ulong> mask = Vector512.Create((1ul << 26) - 1);
        m0 = Avx512F.And(low, mask);
        m1 = Avx512F.And(Avx512F.ShiftRightLogical(low, 26), mask);
        m2 = Avx512F.And(Avx512F.Or(Avx512F.ShiftRightLogical(low, 52), Avx512F.ShiftLeftLogical(high, 12)), mask);
        m3 = Avx512F.And(Avx512F.ShiftRightLogical(high, 14), mask);
        m4 = Avx512F.Or(Avx512F.ShiftRightLogical(high, 40), top);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep(Vector512<ulong>* to, Vector512<ulong> r0, Vector512<ulong> r1, Vector512<ulong> r2, Vector512<ulong> r3, Vector512<ulong> r4)
    {
        (to[0], to[1], to[2], to[3], to[4]) = (r0, r1, r2, r3, r4);
        to[5] = Avx512F.Add(r1, Avx512F.ShiftLeftLogical(r1, 2));
        to[6] = Avx512F.Add(r2, Avx512F.ShiftLeftLogical(r2, 2));
        to[7] = Avx512F.Add(r3, Avx512F.ShiftLeftLogical(r3, 2));
        to[8] = Avx512F.Add(r4, Avx512F.ShiftLeftLogical(r4, 2));
    }

    // h := (h + first block) · r^2 + second block · r, reduced once.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Twice(
        Vector512<ulong> low, Vector512<ulong> high, Vector512<ulong> nextLow, Vector512<ulong> nextHigh, Vector512<ulong>* r, Vector512<ulong>* rr,
        ref Vector512<ulong> h0, ref Vector512<ulong> h1, ref Vector512<ulong> h2, ref Vector512<ulong> h3, ref Vector512<ulong> h4)
    {
        Vector512<ulong> top = Vector512.Create(1ul << 24), d0, d1, d2, d3, d4;
        d0 = d1 = d2 = d3 = d4 = Vector512<ulong>.Zero;
        Split(nextLow, nextHigh, top, out Vector512<ulong> m0, out Vector512<ulong> m1, out Vector512<ulong> m2, out Vector512<ulong> m3, out Vector512<ulong> m4);
        Products(m0, m1, m2, m3, m4, r, ref d0, ref d1, ref d2, ref d3, ref d4);
        Split(low, high, top, out m0, out m1, out m2, out m3, out m4);
        m0 = Avx512F.Add(m0, h0);
        m1 = Avx512F.Add(m1, h1);
        m2 = Avx512F.Add(m2, h2);
        m3 = Avx512F.Add(m3, h3);
        m4 = Avx512F.Add(m4, h4);
        Products(m0, m1, m2, m3, m4, rr, ref d0, ref d1, ref d2, ref d3, ref d4);
        Carry(ref d0, ref d1, ref d2, ref d3, ref d4);
        (h0, h1, h2, h3, h4) = (d0, d1, d2, d3, d4);
    }

    // h := h · r, reduced.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Times(
        Vector512<ulong>* r, ref Vector512<ulong> h0, ref Vector512<ulong> h1, ref Vector512<ulong> h2, ref Vector512<ulong> h3, ref Vector512<ulong> h4)
    {
        Vector512<ulong> d0, d1, d2, d3, d4;
        d0 = d1 = d2 = d3 = d4 = Vector512<ulong>.Zero;
        Products(h0, h1, h2, h3, h4, r, ref d0, ref d1, ref d2, ref d3, ref d4);
        Carry(ref d0, ref d1, ref d2, ref d3, ref d4);
        (h0, h1, h2, h3, h4) = (d0, d1, d2, d3, d4);
    }

    // What lies above 2^130 comes back times 5, which the multiplier's last four vectors hold.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Products(
        Vector512<ulong> m0, Vector512<ulong> m1, Vector512<ulong> m2, Vector512<ulong> m3, Vector512<ulong> m4, Vector512<ulong>* r,
        ref Vector512<ulong> d0, ref Vector512<ulong> d1, ref Vector512<ulong> d2, ref Vector512<ulong> d3, ref Vector512<ulong> d4)
    {
        d0 = Sum(d0, Product(m0, r + 0), Product(m1, r + 8), Product(m2, r + 7), Product(m3, r + 6), Product(m4, r + 5));
        d1 = Sum(d1, Product(m0, r + 1), Product(m1, r + 0), Product(m2, r + 8), Product(m3, r + 7), Product(m4, r + 6));
        d2 = Sum(d2, Product(m0, r + 2), Product(m1, r + 1), Product(m2, r + 0), Product(m3, r + 8), Product(m4, r + 7));
        d3 = Sum(d3, Product(m0, r + 3), Product(m1, r + 2), Product(m2, r + 1), Product(m3, r + 0), Product(m4, r + 8));
        d4 = Sum(d4, Product(m0, r + 4), Product(m1, r + 3), Product(m2, r + 2), Product(m3, r + 1), Product(m4, r + 0));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Product(Vector512<ulong> left, Vector512<ulong>* right) =>
        Avx512F.Multiply(left.AsUInt32(), Avx512F.LoadAlignedVector512((uint*)right));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Sum(Vector512<ulong> a, Vector512<ulong> b, Vector512<ulong> c, Vector512<ulong> d, Vector512<ulong> e, Vector512<ulong> f) =>
        Avx512F.Add(Avx512F.Add(Avx512F.Add(Avx512F.Add(Avx512F.Add(a, b), c), d), e), f);

    // Two chains beside each other; afterwards limbs 1 and 4 may exceed 26 bits by a little.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Carry(ref Vector512<ulong> d0, ref Vector512<ulong> d1, ref Vector512<ulong> d2, ref Vector512<ulong> d3, ref Vector512<ulong> d4)
    {
        Vector512<ulong> mask = Vector512.Create((1ul << 26) - 1);
        d1 = Avx512F.Add(d1, Avx512F.ShiftRightLogical(d0, 26));
        d4 = Avx512F.Add(d4, Avx512F.ShiftRightLogical(d3, 26));
        d0 = Avx512F.And(d0, mask);
        d3 = Avx512F.And(d3, mask);
        Vector512<ulong> over = Avx512F.ShiftRightLogical(d4, 26);
        d2 = Avx512F.Add(d2, Avx512F.ShiftRightLogical(d1, 26));
        d0 = Avx512F.Add(d0, Avx512F.Add(over, Avx512F.ShiftLeftLogical(over, 2)));
        d4 = Avx512F.And(d4, mask);
        d1 = Avx512F.And(d1, mask);
        d3 = Avx512F.Add(d3, Avx512F.ShiftRightLogical(d2, 26));
        d1 = Avx512F.Add(d1, Avx512F.ShiftRightLogical(d0, 26));
        d2 = Avx512F.And(d2, mask);
        d0 = Avx512F.And(d0, mask);
        d4 = Avx512F.Add(d4, Avx512F.ShiftRightLogical(d3, 26));
        d3 = Avx512F.And(d3, mask);
    }

    // To the one value below 2^130 - 5.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Reduce(ref Vector512<ulong> h0, ref Vector512<ulong> h1, ref Vector512<ulong> h2, ref Vector512<ulong> h3, ref Vector512<ulong> h4)
    {
        Vector512<ulong> mask = Vector512.Create((1ul << 26) - 1);
        // Twice round: the first time limb 4 may overflow into limb 0 and that ripple up again.
        for (int i = 0; i < 2; i++)
        {
            h1 = Avx512F.Add(h1, Avx512F.ShiftRightLogical(h0, 26));
            h0 = Avx512F.And(h0, mask);
            h2 = Avx512F.Add(h2, Avx512F.ShiftRightLogical(h1, 26));
            h1 = Avx512F.And(h1, mask);
            h3 = Avx512F.Add(h3, Avx512F.ShiftRightLogical(h2, 26));
            h2 = Avx512F.And(h2, mask);
            h4 = Avx512F.Add(h4, Avx512F.ShiftRightLogical(h3, 26));
            h3 = Avx512F.And(h3, mask);
            Vector512<ulong> over = Avx512F.ShiftRightLogical(h4, 26);
            h4 = Avx512F.And(h4, mask);
            h0 = Avx512F.Add(h0, Avx512F.Add(over, Avx512F.ShiftLeftLogical(over, 2)));
        }
        // h + 5 reaches 2^130 exactly when h is not below p: then its low 130 bits are h - p.
        Vector512<ulong> g0 = Avx512F.Add(h0, Vector512.Create(5ul));
        Vector512<ulong> g1 = Avx512F.Add(h1, Avx512F.ShiftRightLogical(g0, 26)), g2 = Avx512F.Add(h2, Avx512F.ShiftRightLogical(g1, 26));
        Vector512<ulong> g3 = Avx512F.Add(h3, Avx512F.ShiftRightLogical(g2, 26)), g4 = Avx512F.Add(h4, Avx512F.ShiftRightLogical(g3, 26));
        Vector512<ulong> take = Avx512F.CompareGreaterThan(g4, mask);
        h0 = Avx512F.And(Avx512F.BlendVariable(h0, g0, take), mask);
        h1 = Avx512F.And(Avx512F.BlendVariable(h1, g1, take), mask);
        h2 = Avx512F.And(Avx512F.BlendVariable(h2, g2, take), mask);
        h3 = Avx512F.And(Avx512F.BlendVariable(h3, g3, take), mask);
        h4 = Avx512F.And(Avx512F.BlendVariable(h4, g4, take), mask);
    }
}
