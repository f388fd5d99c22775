using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace TunnelMesh.Protocol.Noise.Vectors;

/// <summary>
/// Poly1305 (RFC 8439, 2.5) of one message, with 64-bit limbs; long stretches of whole blocks go through <see cref="PolyLanes"/>. No branch and no index
/// depends on key or data. The user zeroes it afterwards.
/// </summary>
internal unsafe struct PolyScalar
{
    /// <summary>Stretches of so many bytes go through vectors: below, the powers of r cost more than they save.</summary>
    public const int VectorFrom = 384;

    private const ulong ClampLow = 0x0ffffffc0fffffff, ClampHigh = 0x0ffffffc0ffffffc;

    private ulong _r0, _r1, _s0, _s1, _h0, _h1, _h2;

    /// <summary>Begins under a one-time key of 32 bytes.</summary>
    public PolyScalar(byte* key)
    {
        _r0 = ((ulong*)key)[0] & ClampLow;
        _r1 = ((ulong*)key)[1] & ClampHigh;
        _s0 = ((ulong*)key)[2];
        _s1 = ((ulong*)key)[3];
    }

    /// <summary>Takes data and pads it to a whole block with zeros, as the AEAD wants it (2.8).</summary>
    public void AddPadded(byte* data, int length)
    {
        int whole = length >> 4;
        Blocks(data, whole);
        int rest = length & 15;
        if (rest != 0)
        {
            Vector128<byte> block = Partial(data + (whole * 16), rest);
            Blocks((byte*)&block, 1);
        }
    }

    /// <summary>Takes the last data of a plain Poly1305 message: a partial block ends in a one, not in padding (2.5).</summary>
    public void AddLast(byte* data, int length)
    {
        int whole = length >> 4;
        Blocks(data, whole);
        int rest = length & 15;
        if (rest != 0)
        {
            Vector128<byte> block = Partial(data + (whole * 16), rest);
            ((byte*)&block)[rest] = 1;
            Absorb((byte*)&block, 1, 0);
        }
    }

    /// <summary>Takes the block of both lengths that ends the AEAD's message.</summary>
    public void AddLengths(int associated, int data)
    {
        Vector128<ulong> block = Vector128.Create((ulong)associated, (ulong)data);
        Absorb((byte*)&block, 1, 1);
    }

    /// <summary>Writes the 16 bytes of the tag.</summary>
    public readonly void Finish(byte* tag)
    {
        // h is below 2^130 + 2^66: reduced once fully, then h - p is taken when it is not negative, without a branch.
        ulong h0 = _h0, h1 = _h1, h2 = _h2;
        ulong fold = (h2 >> 2) * 5;
        h2 &= 3;
        h0 += fold;
        ulong carry = h0 < fold ? 1ul : 0;
        h1 += carry;
        h2 += h1 < carry ? 1ul : 0;
        ulong g0 = h0 + 5;
        carry = g0 < 5 ? 1ul : 0;
        ulong g1 = h1 + carry;
        ulong g2 = h2 + (g1 < carry ? 1ul : 0);
        ulong take = 0 - (g2 >> 2);
        h0 = (h0 & ~take) | (g0 & take);
        h1 = (h1 & ~take) | (g1 & take);
        h0 += _s0;
        h1 += _s1 + (h0 < _s0 ? 1ul : 0);
        ((ulong*)tag)[0] = h0;
        ((ulong*)tag)[1] = h1;
    }

    /// <summary>Forgets key and state.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Zero(ref PolyScalar poly) => poly = default;

    private void Blocks(byte* data, int count)
    {
        if (count >= VectorFrom / 16)
        {
            int eights = count >> 3;
            fixed (ulong* h = &_h0)
            {
                PolyLanes.Absorb(h, _r0, _r1, data, eights);
            }
            data += eights * 128;
            count &= 7;
        }
        Absorb(data, count, 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Absorb(byte* data, int count, ulong top)
    {
        ulong r0 = _r0, r1 = _r1, s1 = r1 + (r1 >> 2), h0 = _h0, h1 = _h1, h2 = _h2;
        for (; count > 0; count--, data += 16)
        {
            ulong low = ((ulong*)data)[0], high = ((ulong*)data)[1];
            h0 += low;
            ulong carry = h0 < low ? 1ul : 0;
            h1 += carry;
            ulong over = h1 < carry ? 1ul : 0;
            h1 += high;
            h2 += over + (h1 < high ? 1ul : 0) + top;
            Multiply(ref h0, ref h1, ref h2, r0, r1, s1);
        }
        (_h0, _h1, _h2) = (h0, h1, h2);
    }

    /// <summary>h := h · r, partially reduced to below 2^130 + 2^66, with s1 = 5/4 · r1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Multiply(ref ulong h0, ref ulong h1, ref ulong h2, ulong r0, ulong r1, ulong s1)
    {
        // h2 is below 8 and s1 below 5/4 · 2^60, so that product fits 64 bits.
        ulong e0 = Math.BigMul(h0, r0, out ulong d0), f0 = Math.BigMul(h1, s1, out ulong p0);
        ulong e1 = Math.BigMul(h0, r1, out ulong d1), f1 = Math.BigMul(h1, r0, out ulong p1);
        ulong p2 = h2 * s1, d2 = h2 * r0;
        d0 += p0;
        e0 += f0 + (d0 < p0 ? 1ul : 0);
        d1 += p1;
        e1 += f1 + (d1 < p1 ? 1ul : 0);
        d1 += p2;
        e1 += d1 < p2 ? 1ul : 0;
        d1 += e0;
        e1 += d1 < e0 ? 1ul : 0;
        d2 += e1;
        ulong fold = (d2 & ~3ul) + (d2 >> 2);
        d2 &= 3;
        d0 += fold;
        ulong carry = d0 < fold ? 1ul : 0;
        d1 += carry;
        d2 += d1 < carry ? 1ul : 0;
        (h0, h1, h2) = (d0, d1, d2);
    }

    private static Vector128<byte> Partial(byte* data, int length)
    {
        Vector128<byte> block = default;
        Unsafe.CopyBlockUnaligned(&block, data, (uint)length);
        return block;
    }
}
