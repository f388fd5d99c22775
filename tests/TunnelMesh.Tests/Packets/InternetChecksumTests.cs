using CsCheck;
using TunnelMesh.Fuzz;
using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Tests.Packets;

public sealed class InternetChecksumTests
{
    [Fact]
    public void The_example_of_RFC_1071_comes_out() =>
        Assert.Equal(unchecked((ushort)~0xddf2), InternetChecksum.Compute([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]));

    [Fact]
    public void Every_short_length_at_every_alignment_agrees_with_the_scalar_sum()
    {
        byte[] bytes = new byte[700];
        new Random(1).NextBytes(bytes);
        for (int offset = 0; offset < 65; offset++)
        {
            for (int length = 0; length <= 600; length++)
            {
                Holds(bytes.AsSpan(offset, length), 0x1234);
            }
        }
    }

    [Fact]
    public void Random_and_extreme_bytes_of_any_length_agree_with_the_scalar_sum() =>
        Gen.Select(Gen.Int[0, 65535], Gen.Int[0, 64], Gen.Int[0, 3], Gen.Int, Gen.UInt).Sample((length, offset, fill, seed, sum) =>
        {
            byte[] bytes = new byte[length + offset];
            if (fill == 0)
            {
                Array.Fill(bytes, (byte)0xFF);
            }
            else if (fill != 1)
            {
                new Random(seed).NextBytes(bytes);
            }

            Holds(bytes.AsSpan(offset), sum);
        }, iter: 500);

    [Fact]
    public void Pieces_of_even_length_add_up_to_the_whole() =>
        Gen.Select(Gen.Byte.Array[0, 3000], Gen.Int[0, 1500]).Sample((bytes, half) =>
        {
            int cut = Math.Min(half * 2, bytes.Length);
            Assert.Equal(InternetChecksum.Compute(bytes), InternetChecksum.Finish(InternetChecksum.Add(bytes.AsSpan(cut), InternetChecksum.Add(bytes.AsSpan(0, cut)))));
        }, iter: 500);

    [Fact]
    public void A_destination_too_short_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => InternetChecksum.CopyAndAdd(new byte[10], new byte[9]));

    private static void Holds(ReadOnlySpan<byte> data, ulong sum)
    {
        ushort expected = ScalarChecksum.Finish(ScalarChecksum.Add(data, sum));
        Assert.Equal(expected, InternetChecksum.Finish(InternetChecksum.Add(data, sum)));
        byte[] copy = new byte[data.Length + 2];
        copy[0] = copy[^1] = 0xA5;
        Assert.Equal(expected, InternetChecksum.Finish(InternetChecksum.CopyAndAdd(data, copy.AsSpan(1), sum)));
        Assert.True(data.SequenceEqual(copy.AsSpan(1, data.Length)));
        Assert.Equal((0xA5, 0xA5), (copy[0], copy[^1]));
    }
}
