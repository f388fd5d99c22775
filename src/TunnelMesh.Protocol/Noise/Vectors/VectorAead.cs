using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;
using TunnelMesh.Protocol.Vectors;

namespace TunnelMesh.Protocol.Noise.Vectors;

/// <summary>
/// <see cref="TransportAead"/> of our own over AVX-512: a batch fills the lanes of the vectors across its packets, so that a small packet costs what its blocks cost,
/// and a call has no fixed cost of hundreds of nanoseconds as libcrypto's has. Nothing allocates. The key lies in native memory; everything that
/// derives from it is zeroed before a call returns. Why, and how it is proved: docs/decisions/0005.
/// </summary>
internal sealed unsafe class VectorAead : TransportAead
{
    // One run's data should stay in the first-level cache between keystream and tag.
    private const int BytesPerRun = 24 * 1024;

    private readonly VectorKey _key;

    /// <summary>A cipher under a 32-byte key.</summary>
    /// <exception cref="ArgumentException">Not 32 bytes.</exception>
    /// <exception cref="PlatformNotSupportedException">Not where <see cref="IsSupported"/> says no.</exception>
    public VectorAead(ReadOnlySpan<byte> key)
    {
        if (!IsSupported)
        {
            throw new PlatformNotSupportedException("This processor, or this build of the program, has no AVX-512.");
        }
        if (key.Length != WireGuardMessage.KeySize)
        {
            throw new ArgumentException($"A ChaCha20-Poly1305 key has {WireGuardMessage.KeySize} bytes, this one has {key.Length}.", nameof(key));
        }
        _key = new VectorKey(key);
    }

    /// <summary>True where the processor and the build have AVX-512 F and BW.</summary>
    public static bool IsSupported => Avx512BW.IsSupported && BitConverter.IsLittleEndian;

    /// <inheritdoc/>
    /// <remarks>The key is only read, and everything else lies on the caller's stack.</remarks>
    public override bool IsConcurrent => true;

    /// <inheritdoc/>
    public override void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> associated, Span<byte> cipher, Span<byte> tag)
    {
        Check(nonce, plain, cipher, tag);
        bool held = false;
        try
        {
            _key.DangerousAddRef(ref held);
            plain.CopyTo(cipher);
            fixed (byte* nonceBytes = nonce, data = cipher, associatedBytes = associated, tagBytes = tag)
            {
                Single((byte*)_key.DangerousGetHandle(), nonceBytes, data, data, cipher.Length, associatedBytes, associated.Length, tagBytes, seals: true);
            }
        }
        finally
        {
            if (held)
            {
                _key.DangerousRelease();
            }
        }
    }

    /// <inheritdoc/>
    public override bool TryOpen(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> cipher, ReadOnlySpan<byte> associated, Span<byte> plain, ReadOnlySpan<byte> tag)
    {
        Check(nonce, cipher, plain, tag);
        bool held = false;
        try
        {
            _key.DangerousAddRef(ref held);
            fixed (byte* nonceBytes = nonce, input = cipher, data = plain, associatedBytes = associated, tagBytes = tag)
            {
                return Single((byte*)_key.DangerousGetHandle(), nonceBytes, input, data, plain.Length, associatedBytes, associated.Length, tagBytes, seals: false);
            }
        }
        finally
        {
            if (held)
            {
                _key.DangerousRelease();
            }
        }
    }

    /// <inheritdoc/>
    public override void SealBatch(Span<byte> buffer, ReadOnlySpan<AeadPacket> packets)
    {
        fixed (AeadPacket* first = packets)
        {
            Batch(buffer, first, packets.Length, seals: true);
        }
    }

    /// <inheritdoc/>
    public override void OpenBatch(Span<byte> buffer, Span<AeadPacket> packets)
    {
        fixed (AeadPacket* first = packets)
        {
            Batch(buffer, first, packets.Length, seals: false);
        }
    }

    /// <inheritdoc/>
    public override void Dispose() => _key.Dispose();

    [SkipLocalsInit]
    private void Batch(Span<byte> buffer, AeadPacket* packets, int count, bool seals)
    {
        Check(buffer, new ReadOnlySpan<AeadPacket>(packets, count));
        bool held = false;
        byte* memory = stackalloc byte[sizeof(BatchScratch) + 64];
        BatchScratch* scratch = Aligned(memory);
        try
        {
            _key.DangerousAddRef(ref held);
            LaneQueue.Begin(&scratch->Queue, (byte*)_key.DangerousGetHandle(), 0);
            fixed (byte* bytes = buffer)
            {
                for (int done = 0, run; done < count; done += run)
                {
                    run = Run(new ReadOnlySpan<AeadPacket>(packets + done, count - done));
                    if (seals)
                    {
                        Seal(scratch, bytes, packets + done, run);
                    }
                    else
                    {
                        Open(scratch, bytes, packets + done, run);
                    }
                }
            }
        }
        finally
        {
            Zero(scratch);
            if (held)
            {
                _key.DangerousRelease();
            }
        }
    }

    private static BatchScratch* Aligned(byte* memory) => (BatchScratch*)(((nint)memory + 63) & ~63);

    private static void Zero(BatchScratch* scratch) => CryptographicOperations.ZeroMemory(new Span<byte>(scratch, sizeof(BatchScratch)));

    // Packets of the next run: as many as have room in the scratch memory and the cache, and at least one.
    private static int Run(ReadOnlySpan<AeadPacket> packets)
    {
        int count = 0, bytes = 0;
        while (count < packets.Length && count < BatchScratch.Packets && bytes < BytesPerRun)
        {
            bytes += packets[count++].Length;
        }
        // Tags are made of eight packets at once: none should be left over before the end.
        return count > PolyLanes.Lanes && count < packets.Length ? count & -PolyLanes.Lanes : count;
    }

    private static void Seal(BatchScratch* scratch, byte* buffer, AeadPacket* packets, int count)
    {
        for (int i = 0; i < count; i++)
        {
            Vector512<byte>.Zero.Store(scratch->Keys + (i * 64));
            LaneQueue.Add(&scratch->Queue, scratch->Keys + (i * 64), 0, (uint)packets[i].Counter, (uint)(packets[i].Counter >> 32));
            Enqueue(scratch, i, buffer + packets[i].Offset, packets[i].Length, packets[i].Counter);
        }
        LaneQueue.Flush(&scratch->Queue);
        for (int i = 0; i < count; i++)
        {
            XorTail(scratch, i, buffer + packets[i].Offset, packets[i].Length);
        }
        MakeTags(scratch, buffer, packets, count);
        for (int i = 0; i < count; i++)
        {
            Vector128.Load(scratch->Tags + (i * 16)).Store(buffer + packets[i].Offset + packets[i].Length);
        }
    }

    private static void Open(BatchScratch* scratch, byte* buffer, AeadPacket* packets, int count)
    {
        for (int i = 0; i < count; i++)
        {
            Vector512<byte>.Zero.Store(scratch->Keys + (i * 64));
            LaneQueue.Add(&scratch->Queue, scratch->Keys + (i * 64), 0, (uint)packets[i].Counter, (uint)(packets[i].Counter >> 32));
        }
        LaneQueue.Flush(&scratch->Queue);
        MakeTags(scratch, buffer, packets, count);
        for (int i = 0; i < count; i++)
        {
            byte* data = buffer + packets[i].Offset;
            int length = packets[i].Length;
            packets[i].IsAuthentic = Fits(scratch->Tags + (i * 16), data + length);
            if (packets[i].IsAuthentic)
            {
                Enqueue(scratch, i, data, length, packets[i].Counter);
            }
            else
            {
                new Span<byte>(data, length).Clear();
            }
        }
        LaneQueue.Flush(&scratch->Queue);
        for (int i = 0; i < count; i++)
        {
            if (packets[i].IsAuthentic)
            {
                XorTail(scratch, i, buffer + packets[i].Offset, packets[i].Length);
            }
        }
    }

    // Block 1 and those after it; the last one, when it is not whole, is made beside the packet.
    private static void Enqueue(BatchScratch* scratch, int index, byte* data, int length, ulong counter)
    {
        int whole = length >> 6;
        LaneQueue.Add(&scratch->Queue, data, whole, 1, (uint)counter, (uint)(counter >> 32));
        if ((length & 63) != 0)
        {
            byte* tail = scratch->Tails + (index * 64);
            Vector512<byte>.Zero.Store(tail);
            LaneQueue.Add(&scratch->Queue, tail, 1 + (uint)whole, (uint)counter, (uint)(counter >> 32));
        }
    }

    private static void XorTail(BatchScratch* scratch, int index, byte* data, int length)
    {
        int rest = length & 63;
        if (rest != 0)
        {
            XorPart(data + (length - rest), rest, scratch->Tails + (index * 64));
        }
    }

    private static void MakeTags(BatchScratch* scratch, byte* buffer, AeadPacket* packets, int count)
    {
        // By length, since eight packets take as long as the longest of them. Batches mostly are in order already.
        PolyPacket* sorted = BatchScratch.Sorted(scratch);
        for (int i = 0; i < count; i++)
        {
            PolyPacket packet = new() { Data = buffer + packets[i].Offset, Length = packets[i].Length, Key = scratch->Keys + (i * 64), Index = i };
            int at = i;
            for (; at > 0 && sorted[at - 1].Length < packet.Length; at--)
            {
                sorted[at] = sorted[at - 1];
            }
            sorted[at] = packet;
        }
        byte* tags = stackalloc byte[PolyLanes.Lanes * WireGuardMessage.TagSize];
        for (int first = 0; first < count;)
        {
            int group = Math.Min(count - first, PolyLanes.Lanes);
            if (LanesPay(sorted + first, group))
            {
                PolyLanes.Tags(sorted + first, group, tags);
                for (int i = 0; i < group; i++)
                {
                    Vector128.Load(tags + (i * 16)).Store(scratch->Tags + (sorted[first + i].Index * 16));
                }
                first += group;
            }
            else
            {
                PolyPacket packet = sorted[first++];
                PolyScalar poly = new(packet.Key);
                poly.AddPadded(packet.Data, packet.Length);
                poly.AddLengths(0, packet.Length);
                poly.Finish(scratch->Tags + (packet.Index * 16));
                PolyScalar.Zero(ref poly);
            }
        }
    }

    // Estimates in tenths of a nanosecond, from measurements; lengths are public.
    private static bool LanesPay(PolyPacket* packets, int count)
    {
        int lanes = 1400 + (67 * (packets[0].Length >> 4)), alone = 0;
        for (int i = 0; i < count; i++)
        {
            alone += packets[i].Length < PolyScalar.VectorFrom ? 350 + (70 * (packets[i].Length >> 4)) : 1250 + (13 * (packets[i].Length >> 4));
        }
        return lanes < alone;
    }

    // One packet with little latency. When opening, input and data may be different memory, and the data is written only after the tag was found to fit.
    [SkipLocalsInit]
    private static bool Single(byte* key, byte* nonce, byte* input, byte* data, int length, byte* associated, int associatedLength, byte* tag, bool seals)
    {
        const int Size = ChaChaRows.MaxBlocks * 64;
        byte* memory = stackalloc byte[Size + 64];
        byte* stream = (byte*)(((nint)memory + 63) & ~63);
        byte* ownTag = stackalloc byte[WireGuardMessage.TagSize];
        // The one-time key and the first data share a call. Nothing here throws, so what is secret is zeroed in plain order.
        int made = ChaChaRows.Fill(key, nonce, 0, Math.Min(1 + (int)(((uint)length + 63) >> 6), ChaChaRows.MaxBlocks), stream);
        if (seals)
        {
            Xor(key, nonce, data, length, stream, made);
        }
        PolyScalar poly = new(stream);
        poly.AddPadded(associated, associatedLength);
        poly.AddPadded(input, length);
        poly.AddLengths(associatedLength, length);
        poly.Finish(seals ? tag : ownTag);
        bool fits = seals || Fits(ownTag, tag);
        if (!fits)
        {
            new Span<byte>(data, length).Clear();
        }
        else if (!seals)
        {
            if (input != data)
            {
                Buffer.MemoryCopy(input, data, length, length);
            }
            Xor(key, nonce, data, length, stream, made);
        }
        for (int i = 0; i < made; i++)
        {
            Vector512<byte>.Zero.StoreAligned(stream + (i * 64));
        }
        PolyScalar.Zero(ref poly);
        return fits;
    }

    // Stream holds blocks 0 to made - 1; what is longer goes through the lanes.
    private static void Xor(byte* key, byte* nonce, byte* data, int length, byte* stream, int made)
    {
        int near = Math.Min(length, (made - 1) * 64), at = 0;
        for (; at + 64 <= near; at += 64)
        {
            Avx512F.Xor(Vector512.Load(data + at), Vector512.LoadAligned(stream + 64 + at)).Store(data + at);
        }
        if (at < near)
        {
            XorPart(data + at, near - at, stream + 64 + at);
        }
        else if (at < length)
        {
            XorLong(key, nonce, data + at, length - at, (uint)made);
        }
    }

    [SkipLocalsInit, MethodImpl(MethodImplOptions.NoInlining)]
    private static void XorLong(byte* key, byte* nonce, byte* data, int length, uint counter)
    {
        byte* memory = stackalloc byte[sizeof(BatchScratch) + 64];
        BatchScratch* scratch = Aligned(memory);
        uint second = ((uint*)nonce)[1], third = ((uint*)nonce)[2];
        int whole = length >> 6;
        LaneQueue.Begin(&scratch->Queue, key, *(uint*)nonce);
        LaneQueue.Add(&scratch->Queue, data, whole, counter, second, third);
        if ((length & 63) != 0)
        {
            Vector512<byte>.Zero.Store(scratch->Tails);
            LaneQueue.Add(&scratch->Queue, scratch->Tails, counter + (uint)whole, second, third);
        }
        LaneQueue.Flush(&scratch->Queue);
        XorTail(scratch, 0, data, length);
        Zero(scratch);
    }

    private static void XorPart(byte* data, int length, byte* stream) =>
        ByteMask.Store(data, length, Avx512F.Xor(ByteMask.Load(data, length), Vector512.LoadAligned(stream)));

    // One comparison of all 16 bytes: its time tells nothing of where they differ. The framework's FixedTimeEquals is compiled without optimisation and takes 90 ns.
    private static bool Fits(byte* own, byte* received) => Vector128.EqualsAll(Vector128.Load(own), Vector128.Load(received));

    // All of them first, so that a wrong batch is left as it was.
    private static void Check(Span<byte> buffer, ReadOnlySpan<AeadPacket> packets)
    {
        Debug.Assert(sizeof(PolyPacket) == 24);
        foreach (AeadPacket packet in packets)
        {
            if ((packet.Offset | packet.Length) < 0 || (long)packet.Offset + packet.Length + WireGuardMessage.TagSize > buffer.Length)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(packets), $"A packet of {packet.Length} bytes at {packet.Offset} and its tag do not lie within the buffer of {buffer.Length}.");
            }
        }
    }
}
