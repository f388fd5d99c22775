using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Tests.Noise;

public class PrimitiveVectorTests
{
    // RFC 7693, appendix B.
    [Fact]
    public void BLAKE2s_as_RFC_7693()
    {
        byte[] result = new byte[32];
        NoiseHash.Hash("ab"u8, "c"u8, result);
        Assert.Equal("508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982", Convert.ToHexStringLower(result));
    }

    // draft-irtf-cfrg-xchacha-03, appendix A.3.1.
    [Fact]
    public void XChaCha20_Poly1305_as_the_draft()
    {
        byte[] plain = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."u8.ToArray();
        byte[] associated = Convert.FromHexString("50515253c0c1c2c3c4c5c6c7");
        byte[] key = Convert.FromHexString("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
        byte[] nonce = Convert.FromHexString("404142434445464748494a4b4c4d4e4f5051525354555657");
        byte[] sealedBytes = new byte[plain.Length + 16];
        XChaCha20Poly1305.Seal(key, nonce, plain, associated, sealedBytes);
        Assert.Equal("bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb", Convert.ToHexStringLower(sealedBytes)[..64]);
        Assert.EndsWith("c0875924c1c7987947deafd8780acf49", Convert.ToHexStringLower(sealedBytes), StringComparison.Ordinal);

        byte[] opened = new byte[plain.Length];
        Assert.True(XChaCha20Poly1305.TryOpen(key, nonce, sealedBytes, associated, opened));
        Assert.Equal(plain, opened);
        sealedBytes[3] ^= 1;
        Assert.False(XChaCha20Poly1305.TryOpen(key, nonce, sealedBytes, associated, opened));
    }

    [Theory]
    [InlineData(0, 1420, 0)]
    [InlineData(1, 1420, 16)]
    [InlineData(16, 1420, 16)]
    [InlineData(1419, 1420, 1420)]
    [InlineData(1420, 1420, 1420)]
    [InlineData(1500, 1420, 1500)]
    public void Padding_stops_at_the_MTU(int length, int mtu, int padded) => Assert.Equal(padded, WireGuardMessage.Padded(length, mtu));

    [Fact]
    public void TAI64N_is_ordered_rounded_and_reads_back()
    {
        Tai64n one = Tai64n.From(DateTimeOffset.UnixEpoch.AddSeconds(1_700_000_000.123));
        Assert.Equal(0x400000000000000aUL + 1_700_000_000, one.Seconds);
        Assert.Equal(0u, one.Nanoseconds & 0xffffff);
        byte[] bytes = new byte[12];
        one.Write(bytes);
        Assert.Equal(one, Tai64n.Read(bytes));
        Tai64n next = one;
        for (int i = 0; i < 200; i++)
        {
            Assert.True(next.Next() > next);
            next = next.Next();
            Assert.True(next.Nanoseconds < 1_000_000_000);
        }
    }
}
