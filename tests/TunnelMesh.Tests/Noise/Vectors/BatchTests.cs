using System.Security.Cryptography;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Protocol.Noise.Vectors;
using TunnelMesh.Tests.Shared;

namespace TunnelMesh.Tests.Noise.Vectors;

/// <summary>Batches and single packets of every implementation against libcrypto, or the framework where there is none.</summary>
public sealed class BatchTests
{
    private static readonly byte[] Key = Convert.FromHexString("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");

    public static TheoryData<string> Implementations => [.. Ciphers.Names];

    [Fact]
    public void The_best_implementation_is_taken()
    {
        using TransportAead aead = TransportAead.Create(Key);
        Assert.Equal(VectorAead.IsSupported, aead is VectorAead);
        Assert.Equal(System.Runtime.Intrinsics.X86.Avx512BW.IsSupported, VectorAead.IsSupported);
    }

    [Theory, MemberData(nameof(Implementations))]
    public void Batches_of_every_size_and_shape_are_sealed_and_opened_like_single_packets(string implementation)
    {
        using TransportAead aead = Ciphers.Make(implementation, Key), reference = Ciphers.Make(Ciphers.Names.LastOrDefault(name => name != implementation, implementation), Key);
        Random random = new(20_261_124);
        int rounds = implementation == "vector" ? 1200 : 200;
        for (int round = 0; round < rounds; round++)
        {
            int count = round < 140 ? round / 2 : random.Next(1, 130), limit = ((int[])[1, 64, 130, 500, 1500, 9000])[random.Next(6)], same = random.Next(2) == 0 ? random.Next(limit) : -1;
            AeadPacket[] packets = new AeadPacket[count];
            int at = random.Next(64);
            for (int i = 0; i < count; i++)
            {
                packets[i] = new AeadPacket(at, same >= 0 && i < count - 1 ? same : random.Next(limit), Counter(random));
                at += packets[i].Length + 16 + (random.Next(2) * random.Next(48));
            }
            byte[] plain = RandomNumberGenerator.GetBytes(at + 16), one = [.. plain], other = [.. plain];
            string what = $"round {round}: {count} packets below {limit}, same {same}";
            aead.SealBatch(one, packets);
            foreach (AeadPacket packet in packets)
            {
                reference.Seal(packet.Counter, other.AsSpan(packet.Offset, packet.Length), other.AsSpan(packet.Offset + packet.Length, 16));
            }
            // Also what lies between and behind the packets.
            Assert.True(one.AsSpan().SequenceEqual(other), what);

            // Some are forged, in data or tag, by one bit.
            bool[] forged = new bool[count];
            for (int i = 0; i < count; i++)
            {
                if (random.Next(count) < 2)
                {
                    forged[i] = true;
                    one[packets[i].Offset + random.Next(packets[i].Length + 16)] ^= (byte)(1 << random.Next(8));
                }
            }
            AeadPacket[] shuffled = [.. packets];
            random.Shuffle(shuffled);
            Dictionary<int, bool> byOffset = packets.Zip(forged).ToDictionary(pair => pair.First.Offset, pair => pair.Second);
            aead.OpenBatch(one, shuffled);
            foreach (AeadPacket packet in shuffled)
            {
                Assert.True(packet.IsAuthentic != byOffset[packet.Offset], what);
                ReadOnlySpan<byte> data = one.AsSpan(packet.Offset, packet.Length);
                Assert.True(packet.IsAuthentic ? data.SequenceEqual(plain.AsSpan(packet.Offset, packet.Length)) : !data.ContainsAnyExcept((byte)0), what);
            }
        }
    }

    [Fact]
    public void Single_packets_of_every_length_agree_with_associated_data_any_nonce_in_place_and_apart()
    {
        Assert.SkipUnless(VectorAead.IsSupported, "no AVX-512 here");
        using TransportAead aead = Ciphers.Make("vector", Key), reference = Ciphers.Make(Ciphers.Names[1], Key);
        int[] lengths = [.. Enumerable.Range(0, 2200), 4095, 4096, 9000, 16384, 32767, 65519, 65534, 65535, 100_000];
        foreach (int length in lengths)
        {
            byte[] nonce = RandomNumberGenerator.GetBytes(12), associated = RandomNumberGenerator.GetBytes(length % 3 == 0 ? 0 : length % 701);
            byte[] plain = RandomNumberGenerator.GetBytes(length + 5), cipher = new byte[length], expected = new byte[length], tag = new byte[16], expectedTag = new byte[16];
            Span<byte> text = plain.AsSpan(length % 5, length);
            reference.Seal(nonce, text, associated, expected, expectedTag);
            aead.Seal(nonce, text, associated, cipher, tag);
            Assert.True(cipher.AsSpan().SequenceEqual(expected), $"{length} bytes, apart");
            Assert.True(tag.AsSpan().SequenceEqual(expectedTag), $"tag of {length} bytes");
            byte[] opened = new byte[length];
            Assert.True(aead.TryOpen(nonce, cipher, associated, opened, tag));
            Assert.True(text.SequenceEqual(opened) && cipher.AsSpan().SequenceEqual(expected), $"{length} bytes opened");
            tag[length & 15] ^= 1;
            Assert.False(aead.TryOpen(nonce, cipher, associated, opened, tag));
            Assert.False(opened.AsSpan().ContainsAnyExcept((byte)0));
            aead.Seal(nonce, text, associated, text, tag);
            Assert.True(text.SequenceEqual(expected) && tag.AsSpan().SequenceEqual(expectedTag), $"{length} bytes, in place");
        }
    }

    [Theory, MemberData(nameof(Implementations))]
    public void A_changed_byte_anywhere_in_a_batch_refuses_that_packet_alone(string implementation)
    {
        using TransportAead aead = Ciphers.Make(implementation, Key);
        int[] lengths = [0, 64, 17, 130, 64, 1, 63, 65, 16, 100];
        AeadPacket[] packets = new AeadPacket[lengths.Length];
        int at = 0;
        for (int i = 0; i < lengths.Length; i++)
        {
            packets[i] = new AeadPacket(at, lengths[i], (ulong)i << 33);
            at += lengths[i] + 16;
        }
        byte[] plain = RandomNumberGenerator.GetBytes(at), sealedData = [.. plain];
        aead.SealBatch(sealedData, packets);
        for (int changed = 0; changed < at; changed++)
        {
            byte[] work = [.. sealedData];
            work[changed] ^= (byte)(1 << (changed % 8));
            aead.OpenBatch(work, packets);
            foreach (AeadPacket packet in packets)
            {
                bool touched = changed >= packet.Offset && changed < packet.Offset + packet.Length + 16;
                Assert.Equal(!touched, packet.IsAuthentic);
                ReadOnlySpan<byte> data = work.AsSpan(packet.Offset, packet.Length);
                Assert.True(touched ? !data.ContainsAnyExcept((byte)0) : data.SequenceEqual(plain.AsSpan(packet.Offset, packet.Length)));
            }
        }
    }

    // A read or write one byte outside ends the process, and with it the run.
    [Theory, MemberData(nameof(Implementations))]
    public void Nothing_outside_the_buffers_is_touched(string implementation)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs mmap");
        const int Capacity = 140_000;
        using TransportAead aead = Ciphers.Make(implementation, Key);
        using GuardedMemory memory = new(Capacity), keyMemory = new(64), nonceMemory = new(64), associatedMemory = new(512), tagMemory = new(64);
        Key.CopyTo(keyMemory.AtEnd(32));
        using TransportAead guarded = Ciphers.Make(implementation, keyMemory.AtEnd(32));
        int[] lengths = [.. Enumerable.Range(0, implementation == "vector" ? 1700 : 300), 2048, 2049, 4096, 65535];
        foreach (int length in lengths)
        {
            for (int side = 0; side < 2; side++)
            {
                Span<byte> data = side == 0 ? memory.AtStart(length) : memory.AtEnd(length);
                Span<byte> nonce = side == 0 ? nonceMemory.AtStart(12) : nonceMemory.AtEnd(12), tag = side == 0 ? tagMemory.AtStart(16) : tagMemory.AtEnd(16);
                Span<byte> associated = side == 0 ? associatedMemory.AtStart(length % 411) : associatedMemory.AtEnd(length % 411);
                data.Fill(0x33);
                guarded.Seal(nonce, data, associated, data, tag);
                Assert.True(aead.TryOpen(nonce, data, associated, data, tag));
                Assert.False(data.ContainsAnyExcept((byte)0x33));

                // Two of this length back to back, the second of them shorter: first and last byte lie at the guards.
                int shorter = length / 2, whole = length + shorter + 32;
                Span<byte> buffer = side == 0 ? memory.AtStart(whole) : memory.AtEnd(whole);
                AeadPacket[] packets = [new(0, length, 1), new(length + 16, shorter, 2)];
                aead.SealBatch(buffer, packets);
                guarded.OpenBatch(buffer, packets);
                Assert.All(packets, packet => Assert.True(packet.IsAuthentic));
            }
        }
        for (int size = 0; size < 200; size += 3)
        {
            AeadPacket[] many = [.. Enumerable.Range(0, 41).Select(i => new AeadPacket(i * (size + 16), size, (ulong)i))];
            Span<byte> buffer = memory.AtEnd(41 * (size + 16));
            aead.SealBatch(buffer, many);
            aead.OpenBatch(buffer, many);
            Assert.All(many, packet => Assert.True(packet.IsAuthentic));
        }
    }

    [Theory, MemberData(nameof(Implementations))]
    public void A_packet_outside_the_buffer_is_refused(string implementation)
    {
        using TransportAead aead = Ciphers.Make(implementation, Key);
        byte[] buffer = new byte[100];
        AeadPacket[] wrong = [new(0, 85, 1), new(85, 0, 1), new(-1, 8, 1), new(8, -1, 1), new(int.MaxValue, 1, 1), new(1, int.MaxValue - 8, 1)];
        foreach (AeadPacket packet in wrong)
        {
            Assert.ThrowsAny<ArgumentOutOfRangeException>(() => aead.SealBatch(buffer, [packet]));
            Assert.ThrowsAny<ArgumentOutOfRangeException>(() => aead.OpenBatch(buffer, [packet]));
        }
        aead.SealBatch(default, default);
        aead.OpenBatch(default, default);
        aead.Dispose();
        Assert.ThrowsAny<ObjectDisposedException>(() => aead.SealBatch(buffer, [new(0, 84, 1)]));
        Assert.ThrowsAny<ObjectDisposedException>(() => aead.OpenBatch(buffer, [new(0, 84, 1)]));
    }

    [Fact]
    public void A_call_on_another_thread_ends_before_the_key_goes()
    {
        Assert.SkipUnless(VectorAead.IsSupported, "no AVX-512 here");
        byte[] expected = new byte[5000 + 16];
        AeadPacket[] packets = [new(0, 2000, 7), new(2016, 2984, 8)];
        using (TransportAead reference = Ciphers.Make("vector", Key))
        {
            reference.SealBatch(expected, packets);
        }
        for (int round = 0; round < 200; round++)
        {
            TransportAead aead = Ciphers.Make("vector", Key);
            using Barrier barrier = new(2);
            Exception? wrong = null;
            Thread thread = new(() =>
            {
                byte[] buffer = new byte[expected.Length];
                barrier.SignalAndWait(TestContext.Current.CancellationToken);
                try
                {
                    while (true)
                    {
                        buffer.AsSpan().Clear();
                        aead.SealBatch(buffer, packets);
                        if (!buffer.AsSpan().SequenceEqual(expected))
                        {
                            wrong = new InvalidOperationException("sealed under a key that was gone");
                            return;
                        }
                    }
                }
                catch (ObjectDisposedException)
                {
                    // The only way out.
                }
            });
            thread.Start();
            barrier.SignalAndWait(TestContext.Current.CancellationToken);
            Thread.SpinWait(round * 40);
            aead.Dispose();
            thread.Join();
            Assert.Null(wrong);
        }
    }

    [Fact]
    public void Batches_allocate_nothing()
    {
        Assert.SkipUnless(VectorAead.IsSupported, "no AVX-512 here");
        using TransportAead aead = Ciphers.Make("vector", Key);
        byte[] buffer = new byte[45 * 1436];
        AeadPacket[] packets = [.. Enumerable.Range(0, 45).Select(i => new AeadPacket(i * 1436, i % 9 == 0 ? 64 : 1420, (ulong)i))];
        void Round()
        {
            aead.SealBatch(buffer, packets);
            aead.OpenBatch(buffer, packets);
        }
        Assert.Equal(0, Allocations.Least(() =>
        {
            for (int i = 0; i < 200; i++)
            {
                Round();
            }
        }));
        Assert.All(packets, packet => Assert.True(packet.IsAuthentic));
    }

    // Counters at the carries of their 32-bit halves.
    private static ulong Counter(Random random) => random.Next(4) switch
    {
        0 => ulong.MaxValue,
        1 => uint.MaxValue,
        2 => 1ul << 32,
        _ => (ulong)random.NextInt64(),
    };
}
