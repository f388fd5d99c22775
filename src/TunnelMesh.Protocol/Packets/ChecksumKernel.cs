using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using TunnelMesh.Protocol.Vectors;

namespace TunnelMesh.Protocol.Packets;

/// <summary>
/// Sums 16-bit words in the machine's byte order, which RFC 1071 section 2 (B) allows: the result is swapped once at the end.
/// 64-bit lanes take 32 bits at a time, so carries collect in their upper halves and are folded once.
/// </summary>
/// <remarks>
/// The wide paths use the processor's own intrinsics rather than Vector256 and Vector512, whose operations a native build turns
/// into calls where it does not assume the instructions. Under the JIT the processor decides; a native build takes the 128-bit
/// path unless it is compiled for a processor that has more (IlcInstructionSet), for AVX cannot be asked for at run time there.
/// </remarks>
internal static unsafe class ChecksumKernel
{
    /// <summary>The sum in network order, folded to 16 bits; 0 only for zeros.</summary>
    public static ulong Sum(ReadOnlySpan<byte> data)
    {
        fixed (byte* p = data)
        {
            return Finish(Run<SumOnly>(p, null, data.Length));
        }
    }

    /// <summary>The same, while copying to memory that does not overlap.</summary>
    public static ulong CopyAndSum(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length, source.Length);
        fixed (byte* from = source, to = destination)
        {
            return Finish(Run<Copying>(from, to, source.Length));
        }
    }

    private static ulong Run<TMode>(byte* from, byte* to, int length)
        where TMode : struct
    {
        ulong sum = 0;
        int done = 0;
        if (Avx512BW.IsSupported && length >= 64)
        {
            return Wide512<TMode>(from, to, length);
        }

        if (Avx2.IsSupported && length >= 64)
        {
            done = length & ~31;
            sum = Wide256<TMode>(from, to, done);
        }
        else if ((Sse2.IsSupported || AdvSimd.IsSupported) && length >= 32)
        {
            done = length & ~15;
            sum = Wide128<TMode>(from, to, done);
        }

        for (; length - done >= 8; done += 8)
        {
            ulong word = *(ulong*)(from + done);
            Copy<TMode, ulong>(to, done, word);
            sum += (uint)word + (word >> 32);
        }

        if (length - done >= 4)
        {
            uint word = *(uint*)(from + done);
            Copy<TMode, uint>(to, done, word);
            sum += word;
            done += 4;
        }

        if (length - done >= 2)
        {
            ushort word = *(ushort*)(from + done);
            Copy<TMode, ushort>(to, done, word);
            sum += word;
            done += 2;
        }

        if (length > done)
        {
            byte last = from[done];
            Copy<TMode, byte>(to, done, last);
            sum += BitConverter.IsLittleEndian ? last : (uint)last << 8;
        }

        return sum;
    }

    // All of it, the last bytes under a mask: one by one they would take longer than a vector more.
    private static ulong Wide512<TMode>(byte* from, byte* to, int length)
        where TMode : struct
    {
        Vector512<ulong> low = Vector512<ulong>.Zero, high = Vector512<ulong>.Zero, words;
        Vector512<ulong> mask = Vector512.Create((ulong)uint.MaxValue);
        int done = 0;
        for (; done + 64 <= length; done += 64)
        {
            words = Avx512F.LoadVector512((ulong*)(from + done));
            if (typeof(TMode) == typeof(Copying))
            {
                Avx512F.Store((ulong*)(to + done), words);
            }

            low = Avx512F.Add(low, Avx512F.And(words, mask));
            high = Avx512F.Add(high, Avx512F.ShiftRightLogical(words, 32));
        }

        if (done < length)
        {
            words = ByteMask.Load(from + done, length - done).AsUInt64();
            if (typeof(TMode) == typeof(Copying))
            {
                ByteMask.Store(to + done, length - done, words.AsByte());
            }

            low = Avx512F.Add(low, Avx512F.And(words, mask));
            high = Avx512F.Add(high, Avx512F.ShiftRightLogical(words, 32));
        }

        low = Avx512F.Add(low, high);
        return Fold(Avx2.Add(Avx512F.ExtractVector256(low, 0), Avx512F.ExtractVector256(low, 1)));
    }

    private static ulong Wide256<TMode>(byte* from, byte* to, int length)
        where TMode : struct
    {
        Vector256<ulong> low = Vector256<ulong>.Zero, high = Vector256<ulong>.Zero;
        Vector256<ulong> mask = Vector256.Create((ulong)uint.MaxValue);
        for (int i = 0; i < length; i += 32)
        {
            Vector256<ulong> words = Avx.LoadVector256((ulong*)(from + i));
            if (typeof(TMode) == typeof(Copying))
            {
                Avx.Store((ulong*)(to + i), words);
            }

            low = Avx2.Add(low, Avx2.And(words, mask));
            high = Avx2.Add(high, Avx2.ShiftRightLogical(words, 32));
        }

        return Fold(Avx2.Add(low, high));
    }

    private static ulong Wide128<TMode>(byte* from, byte* to, int length)
        where TMode : struct
    {
        Vector128<ulong> low = Vector128<ulong>.Zero, high = Vector128<ulong>.Zero;
        Vector128<ulong> mask = Vector128.Create((ulong)uint.MaxValue);
        for (int i = 0; i < length; i += 16)
        {
            Vector128<ulong> words = Vector128.Load((ulong*)(from + i));
            if (typeof(TMode) == typeof(Copying))
            {
                Vector128.Store(words, (ulong*)(to + i));
            }

            low += words & mask;
            high += words >>> 32;
        }

        return Vector128.Sum(low + high);
    }

    private static ulong Fold(Vector256<ulong> lanes) =>
        Vector128.Sum(Sse2.Add(Avx2.ExtractVector128(lanes, 0), Avx2.ExtractVector128(lanes, 1)));

    private static void Copy<TMode, T>(byte* to, int offset, T value)
        where TMode : struct
        where T : unmanaged
    {
        if (typeof(TMode) == typeof(Copying))
        {
            *(T*)(to + offset) = value;
        }
    }

    private static ulong Finish(ulong sum)
    {
        ushort folded = InternetChecksum.Fold(sum);
        return BitConverter.IsLittleEndian ? System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(folded) : folded;
    }

    private readonly struct SumOnly;

    private readonly struct Copying;
}
