using System.Text.Json;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Tests.Noise.Vectors;

/// <summary>Project Wycheproof's 300 vectors for ChaCha20-Poly1305; source and licence stand beside the file.</summary>
public sealed class WycheproofTests
{
    public static TheoryData<string> Implementations => [.. Ciphers.Names];

    [Theory, MemberData(nameof(Implementations))]
    public void All_300(string implementation)
    {
        using Stream file = typeof(WycheproofTests).Assembly.GetManifestResourceStream("wycheproof.json")!;
        using JsonDocument document = JsonDocument.Parse(file);
        int valid = 0, forged = 0, refused = 0;
        foreach (JsonElement test in document.RootElement.GetProperty("testGroups").EnumerateArray().SelectMany(group => group.GetProperty("tests").EnumerateArray()))
        {
            byte[] Bytes(string name) => Convert.FromHexString(test.GetProperty(name).GetString()!);
            byte[] nonce = Bytes("iv"), associated = Bytes("aad"), plain = Bytes("msg"), cipher = Bytes("ct"), tag = Bytes("tag");
            byte[] opened = [.. Enumerable.Repeat((byte)0xa5, cipher.Length)], sealedData = new byte[plain.Length], ownTag = new byte[16];
            string what = $"test {test.GetProperty("tcId")}";
            using TransportAead aead = Ciphers.Make(implementation, Bytes("key"));
            if (nonce.Length != TransportAead.NonceSize)
            {
                // The format knows other nonces, WireGuard does not: misuse, not forgery.
                Assert.ThrowsAny<ArgumentException>(() => aead.TryOpen(nonce, cipher, associated, opened, tag));
                refused++;
            }
            else if (test.GetProperty("result").GetString() == "valid")
            {
                aead.Seal(nonce, plain, associated, sealedData, ownTag);
                Assert.True(sealedData.AsSpan().SequenceEqual(cipher), what);
                Assert.True(ownTag.AsSpan().SequenceEqual(tag), what);
                Assert.True(aead.TryOpen(nonce, cipher, associated, opened, tag), what);
                Assert.True(opened.AsSpan().SequenceEqual(plain), what);
                valid++;
            }
            else
            {
                Assert.False(aead.TryOpen(nonce, cipher, associated, opened, tag), what);
                Assert.All(opened, b => Assert.Equal(0, b));
                forged++;
            }
        }
        Assert.Equal(document.RootElement.GetProperty("numberOfTests").GetInt32(), valid + forged + refused);
        Assert.Equal(7, refused);
        Assert.True(valid > 200 && forged > 20);
    }
}
