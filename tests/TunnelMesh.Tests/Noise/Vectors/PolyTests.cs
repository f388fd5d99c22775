using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using TunnelMesh.Protocol.Noise.Vectors;

namespace TunnelMesh.Tests.Noise.Vectors;

/// <summary>Every Poly1305 kernel against RFC 8439 and against arithmetic on whole numbers, at the edges of limbs and of 2^130 − 5.</summary>
public sealed unsafe class PolyTests
{
    private static readonly BigInteger P = (BigInteger.One << 130) - 5, Two128 = BigInteger.One << 128;
    private static readonly BigInteger Clamp = BigInteger.Parse("0ffffffc0ffffffc0ffffffc0fffffff", NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private const string Ietf =
        "416e79207375626d697373696f6e20746f20746865204945544620696e74656e6465642062792074686520436f6e7472696275746f7220666f72207075626c69" +
        "636174696f6e20617320616c6c206f722070617274206f6620616e204945544620496e7465726e65742d4472616674206f722052464320616e6420616e792073" +
        "746174656d656e74206d6164652077697468696e2074686520636f6e74657874206f6620616e204945544620616374697669747920697320636f6e7369646572" +
        "656420616e20224945544620436f6e747269627574696f6e222e20537563682073746174656d656e747320696e636c756465206f72616c2073746174656d656e" +
        "747320696e20494554462073657373696f6e732c2061732077656c6c206173207772697474656e20616e6420656c656374726f6e696320636f6d6d756e696361" +
        "74696f6e73206d61646520617420616e792074696d65206f7220706c6163652c207768696368206172652061646472657373656420746f";

    private const string Zero16 = "00000000000000000000000000000000", Ones16 = "ffffffffffffffffffffffffffffffff";

    // Section 2.5.2, then appendix A.3, vectors 2 to 11 (1 is all zero).
    [Theory]
    [InlineData("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b", "43727970746f6772617068696320466f72756d2052657365617263682047726f7570", "a8061dc1305136c6c22b8baf0c0127a9")]
    [InlineData(Zero16 + Zero16, Zero16 + Zero16 + Zero16 + Zero16, Zero16)]
    [InlineData(Zero16 + "36e5f6b5c5e06070f0efca96227a863e", Ietf, "36e5f6b5c5e06070f0efca96227a863e")]
    [InlineData("36e5f6b5c5e06070f0efca96227a863e" + Zero16, Ietf, "f3477e7cd95417af89a6b8794c310cf0")]
    [InlineData(
        "1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0",
        "2754776173206272696c6c69672c20616e642074686520736c6974687920746f7665730a446964206779726520616e642067696d626c6520696e207468652077" +
        "6162653a0a416c6c206d696d737920776572652074686520626f726f676f7665732c0a416e6420746865206d6f6d65207261746873206f757467726162652e",
        "4541669a7eaaee61e708dc7cbcc5eb62")]
    [InlineData("02000000000000000000000000000000" + Zero16, Ones16, "03000000000000000000000000000000")]
    [InlineData("02000000000000000000000000000000" + Ones16, "02000000000000000000000000000000", "03000000000000000000000000000000")]
    [InlineData("01000000000000000000000000000000" + Zero16, Ones16 + "f0ffffffffffffffffffffffffffffff" + "11000000000000000000000000000000", "05000000000000000000000000000000")]
    [InlineData("01000000000000000000000000000000" + Zero16, Ones16 + "fbfefefefefefefefefefefefefefefe" + "01010101010101010101010101010101", Zero16)]
    [InlineData("02000000000000000000000000000000" + Zero16, "fdffffffffffffffffffffffffffffff", "faffffffffffffffffffffffffffffff")]
    [InlineData(
        "01000000000000000400000000000000" + Zero16,
        "e33594d7505e43b90000000000000000" + "3394d7505e4379cd0100000000000000" + Zero16 + "01000000000000000000000000000000", "14000000000000005500000000000000")]
    [InlineData(
        "01000000000000000400000000000000" + Zero16,
        "e33594d7505e43b90000000000000000" + "3394d7505e4379cd0100000000000000" + Zero16, "13000000000000000000000000000000")]
    public void As_RFC_8439_section_2_5_2_and_appendix_A_3(string key, string message, string tag)
    {
        Assert.SkipUnless(VectorAead.IsSupported, "no AVX-512 here");
        byte[] data = Convert.FromHexString(message);
        Assert.Equal(tag, Convert.ToHexStringLower(Plain(Convert.FromHexString(key), data)));
        Assert.Equal(tag, Convert.ToHexStringLower(Reference(Convert.FromHexString(key), data)));
    }

    // Long ones go through the vectors, with an odd and an even number of eight blocks, and the rest behind them.
    [Fact]
    public void Plain_messages_of_every_length_agree_with_whole_numbers()
    {
        Assert.SkipUnless(VectorAead.IsSupported, "no AVX-512 here");
        foreach (byte[] key in Keys())
        {
            foreach (byte fill in (byte[])[0x00, 0xff, 0x5a])
            {
                for (int length = 0; length < 1100; length += length is > 380 and < 660 ? 1 : 7)
                {
                    byte[] data = new byte[length];
                    data.AsSpan().Fill(fill);
                    if (fill == 0x5a)
                    {
                        RandomNumberGenerator.Fill(data);
                    }
                    Assert.True(Plain(key, data).SequenceEqual(Reference(key, data)), $"{length} bytes of {fill:x2} under {Convert.ToHexString(key)}");
                }
            }
        }
    }

    [Fact]
    public void Lanes_agree_with_whole_numbers_for_one_to_eight_packets_of_mixed_lengths()
    {
        Assert.SkipUnless(VectorAead.IsSupported, "no AVX-512 here");
        Random random = new(11);
        byte[][] keys = Keys();
        for (int round = 0; round < 1500; round++)
        {
            int count = 1 + (round % 8), limit = (int[])[17, 65, 200, 1500] is var limits ? limits[random.Next(4)] : 0, same = random.Next(2) == 0 ? random.Next(limit) : -1;
            (byte[] Key, byte[] Data)[] packets = new (byte[], byte[])[count];
            for (int i = 0; i < count; i++)
            {
                byte[] data = new byte[same >= 0 ? same : random.Next(limit)];
                random.NextBytes(data);
                if (random.Next(3) == 0)
                {
                    data.AsSpan().Fill(0xff);
                }
                packets[i] = (keys[random.Next(keys.Length)], data);
            }
            Agree(packets);
        }
    }

    // The message is chosen so that the sum before the last reduction is p + k exactly (r = 1), or any residue near 0 and p (r at random).
    [Fact]
    public void Results_around_2_to_the_130_minus_5_are_reduced_exactly()
    {
        Assert.SkipUnless(VectorAead.IsSupported, "no AVX-512 here");
        BigInteger lengths = Two128 + ((BigInteger)32 << 64);
        for (int k = -8; k <= 8; k++)
        {
            byte[] key = new byte[32];
            key[0] = 1;
            BigInteger first = BigInteger.One << 127, second = P + k - lengths - (2 * Two128) - first;
            Assert.InRange(second, BigInteger.Zero, Two128 - 1);
            Agree([.. Enumerable.Repeat((key, (byte[])[.. Bytes(first), .. Bytes(second)]), 8)]);
        }
        lengths = Two128 + ((BigInteger)16 << 64);
        Random random = new(3);
        for (int k = -8; k <= 8; k++)
        {
            List<(byte[], byte[])> packets = [];
            while (packets.Count < 8)
            {
                byte[] key = new byte[32];
                random.NextBytes(key);
                BigInteger inverse = BigInteger.ModPow(Number(key.AsSpan(0, 16)) & Clamp, P - 2, P);
                BigInteger block = Modulo((Modulo(k * inverse - lengths) * inverse) - Two128);
                if (block < Two128)
                {
                    packets.Add((key, Bytes(block)));
                }
            }
            Agree([.. packets]);
        }
    }

    private static void Agree((byte[] Key, byte[] Data)[] packets)
    {
        using AlignedMemory memory = new(65536);
        PolyPacket* lanes = stackalloc PolyPacket[8];
        byte* tags = memory.Pointer, keys = tags + 256, data = keys + 512;
        for (int i = 0; i < packets.Length; i++)
        {
            packets[i].Key.CopyTo(new Span<byte>(keys + (i * 64), 32));
            // Every alignment, and something behind each packet that must not count.
            data += 1 + i;
            packets[i].Data.CopyTo(new Span<byte>(data, packets[i].Data.Length));
            lanes[i] = new PolyPacket { Data = data, Length = packets[i].Data.Length, Key = keys + (i * 64) };
            data += packets[i].Data.Length;
            new Span<byte>(data, 64).Fill(0xee);
        }
        PolyLanes.Tags(lanes, packets.Length, tags);
        byte* alone = stackalloc byte[16];
        for (int i = 0; i < packets.Length; i++)
        {
            byte[] expected = Authenticator(packets[i].Key, packets[i].Data);
            string what = $"packet {i} of {packets.Length}, {packets[i].Data.Length} bytes, key {Convert.ToHexString(packets[i].Key)}";
            Assert.True(new ReadOnlySpan<byte>(tags + (i * 16), 16).SequenceEqual(expected), what);
            PolyScalar poly = new(lanes[i].Key);
            poly.AddPadded(lanes[i].Data, lanes[i].Length);
            poly.AddLengths(0, lanes[i].Length);
            poly.Finish(alone);
            Assert.True(new ReadOnlySpan<byte>(alone, 16).SequenceEqual(expected), "alone: " + what);
        }
    }

    // r at its clamped maximum, at single limbs' maxima, tiny, zero; s at its maximum; and random ones.
    private static byte[][] Keys() =>
    [
        [.. Enumerable.Repeat((byte)0xff, 32)],
        [.. Enumerable.Repeat((byte)0xff, 8), .. new byte[24]],
        [.. new byte[8], .. Enumerable.Repeat((byte)0xff, 24)],
        [1, .. new byte[31]],
        [2, .. new byte[15], .. Enumerable.Repeat((byte)0xff, 16)],
        [5, .. new byte[11], 0xfc, .. new byte[19]],
        new byte[32],
        RandomNumberGenerator.GetBytes(32),
        RandomNumberGenerator.GetBytes(32),
    ];

    private static byte[] Plain(byte[] key, byte[] data)
    {
        byte[] tag = new byte[16];
        fixed (byte* keyBytes = key, dataBytes = data, tagBytes = tag)
        {
            PolyScalar poly = new(keyBytes);
            poly.AddLast(dataBytes, data.Length);
            poly.Finish(tagBytes);
        }
        return tag;
    }

    private static byte[] Authenticator(byte[] key, byte[] data) =>
        Reference(key, [.. data, .. new byte[-data.Length & 15], .. new byte[8], .. BitConverter.GetBytes((ulong)data.Length)]);

    private static byte[] Reference(byte[] key, byte[] data)
    {
        BigInteger r = Number(key.AsSpan(0, 16)) & Clamp, sum = 0;
        for (int at = 0; at < data.Length; at += 16)
        {
            ReadOnlySpan<byte> block = data.AsSpan(at, Math.Min(16, data.Length - at));
            sum = (sum + Number(block) + (BigInteger.One << (8 * block.Length))) * r % P;
        }
        return Bytes((sum + Number(key.AsSpan(16))) % Two128);
    }

    private static BigInteger Number(ReadOnlySpan<byte> bytes) => new(bytes, isUnsigned: true);

    private static BigInteger Modulo(BigInteger number) => ((number % P) + P) % P;

    private static byte[] Bytes(BigInteger number)
    {
        byte[] bytes = new byte[16];
        Assert.True(number.TryWriteBytes(bytes, out _, isUnsigned: true));
        return bytes;
    }
}
