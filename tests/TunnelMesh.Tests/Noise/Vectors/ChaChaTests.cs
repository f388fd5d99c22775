using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using TunnelMesh.Protocol.Noise.Vectors;

namespace TunnelMesh.Tests.Noise.Vectors;

/// <summary>Every ChaCha20 kernel against RFC 8439 and against the RFC's own description, written out here.</summary>
public sealed unsafe class ChaChaTests
{
    private static readonly byte[] RfcKey = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private static readonly byte[] RfcNonce = Convert.FromHexString("000000090000004a00000000");

    // Section 2.3.2, block 1.
    private const string RfcBlock =
        "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4ed2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e";

    [Fact]
    public void The_reference_here_is_RFC_8439_section_2_3_2() =>
        Assert.Equal(RfcBlock, Convert.ToHexStringLower(Reference(RfcKey, RfcNonce, 1)));

    [Theory, InlineData(1, 4), InlineData(4, 4), InlineData(5, 8), InlineData(8, 8), InlineData(9, 24), InlineData(24, 24)]
    public void Rows_make_the_RFC_block_and_its_successors(int asked, int made)
    {
        Assert.SkipUnless(VectorAead.IsSupported, "no AVX-512 here");
        using AlignedMemory memory = new(ChaChaRows.MaxBlocks * 64);
        fixed (byte* key = RfcKey, nonce = RfcNonce)
        {
            Assert.Equal(made, ChaChaRows.Fill(key, nonce, 1, asked, memory.Pointer));
        }
        Assert.Equal(RfcBlock, Convert.ToHexStringLower(new ReadOnlySpan<byte>(memory.Pointer, 64)));
        for (int i = 0; i < made; i++)
        {
            Assert.True(new ReadOnlySpan<byte>(memory.Pointer + (i * 64), 64).SequenceEqual(Reference(RfcKey, RfcNonce, 1 + (uint)i)), $"block {i}");
        }
    }

    [Theory, InlineData(4), InlineData(8), InlineData(24)]
    public void Rows_agree_with_the_reference_at_random_keys_nonces_and_counters_that_wrap(int blocks)
    {
        Assert.SkipUnless(VectorAead.IsSupported, "no AVX-512 here");
        using AlignedMemory memory = new(ChaChaRows.MaxBlocks * 64);
        uint[] counters = [0, 1, 0x7fffffff, 0xffffffff, 0xfffffffe, 0xfffffff0, 0x80000000];
        foreach (uint counter in counters)
        {
            byte[] key = RandomNumberGenerator.GetBytes(32), nonce = RandomNumberGenerator.GetBytes(12);
            fixed (byte* keyBytes = key, nonceBytes = nonce)
            {
                ChaChaRows.Fill(keyBytes, nonceBytes, counter, blocks, memory.Pointer);
            }
            for (uint i = 0; i < blocks; i++)
            {
                Assert.True(new ReadOnlySpan<byte>(memory.Pointer + (i * 64), 64).SequenceEqual(Reference(key, nonce, counter + i)), $"counter {counter}, block {i}");
            }
        }
    }

    // 1 to 16 blocks take the small kernel, 17 to 32 the large one, more take it several times.
    [Fact]
    public void Lanes_agree_with_the_reference_for_every_number_of_blocks_each_with_its_own_nonce()
    {
        Assert.SkipUnless(VectorAead.IsSupported, "no AVX-512 here");
        using AlignedMemory memory = new(sizeof(LaneQueue)), data = new(100 * 64);
        LaneQueue* queue = (LaneQueue*)memory.Pointer;
        Random random = new(7);
        for (int count = 0; count <= 100; count++)
        {
            byte[] key = RandomNumberGenerator.GetBytes(32), before = RandomNumberGenerator.GetBytes(count * 64), expected = [.. before];
            before.CopyTo(new Span<byte>(data.Pointer, before.Length));
            uint nonce0 = (uint)random.NextInt64();
            fixed (byte* keyBytes = key)
            {
                LaneQueue.Begin(queue, keyBytes, nonce0);
            }
            for (int at = 0; at < count;)
            {
                int blocks = random.Next(4) == 0 ? 1 : random.Next(1, count - at + 1);
                uint counter = random.Next(3) == 0 ? 0xfffffff8 : (uint)random.NextInt64(), nonce1 = (uint)random.NextInt64(), nonce2 = (uint)random.NextInt64();
                if (blocks == 1)
                {
                    LaneQueue.Add(queue, data.Pointer + (at * 64), counter, nonce1, nonce2);
                }
                else
                {
                    LaneQueue.Add(queue, data.Pointer + (at * 64), blocks, counter, nonce1, nonce2);
                }
                byte[] nonce = new byte[12];
                BinaryPrimitives.WriteUInt32LittleEndian(nonce, nonce0);
                BinaryPrimitives.WriteUInt32LittleEndian(nonce.AsSpan(4), nonce1);
                BinaryPrimitives.WriteUInt32LittleEndian(nonce.AsSpan(8), nonce2);
                for (int i = 0; i < blocks; i++)
                {
                    byte[] stream = Reference(key, nonce, counter + (uint)i);
                    for (int k = 0; k < 64; k++)
                    {
                        expected[((at + i) * 64) + k] ^= stream[k];
                    }
                }
                at += blocks;
            }
            LaneQueue.Flush(queue);
            Assert.True(new ReadOnlySpan<byte>(data.Pointer, count * 64).SequenceEqual(expected), $"{count} blocks");
        }
    }

    private static byte[] Reference(byte[] key, byte[] nonce, uint counter)
    {
        uint[] state = new uint[16], work;
        (state[0], state[1], state[2], state[3], state[12]) = (0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, counter);
        for (int i = 0; i < 8; i++)
        {
            state[4 + i] = BinaryPrimitives.ReadUInt32LittleEndian(key.AsSpan(4 * i));
        }
        for (int i = 0; i < 3; i++)
        {
            state[13 + i] = BinaryPrimitives.ReadUInt32LittleEndian(nonce.AsSpan(4 * i));
        }
        work = [.. state];
        for (int i = 0; i < 10; i++)
        {
            Quarter(work, 0, 4, 8, 12);
            Quarter(work, 1, 5, 9, 13);
            Quarter(work, 2, 6, 10, 14);
            Quarter(work, 3, 7, 11, 15);
            Quarter(work, 0, 5, 10, 15);
            Quarter(work, 1, 6, 11, 12);
            Quarter(work, 2, 7, 8, 13);
            Quarter(work, 3, 4, 9, 14);
        }
        byte[] block = new byte[64];
        for (int i = 0; i < 16; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(block.AsSpan(4 * i), work[i] + state[i]);
        }
        return block;
    }

    private static void Quarter(uint[] x, int a, int b, int c, int d)
    {
        x[a] += x[b];
        x[d] = BitOperations.RotateLeft(x[d] ^ x[a], 16);
        x[c] += x[d];
        x[b] = BitOperations.RotateLeft(x[b] ^ x[c], 12);
        x[a] += x[b];
        x[d] = BitOperations.RotateLeft(x[d] ^ x[a], 8);
        x[c] += x[d];
        x[b] = BitOperations.RotateLeft(x[b] ^ x[c], 7);
    }
}
