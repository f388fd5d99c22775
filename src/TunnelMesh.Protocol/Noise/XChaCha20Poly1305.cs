using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Parameters;
using Library = Org.BouncyCastle.Crypto.Modes.XChaCha20Poly1305;

namespace TunnelMesh.Protocol.Noise;

/// <summary>XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) for cookie replies. Thread-safe; may allocate.</summary>
internal static class XChaCha20Poly1305
{
    public const int NonceSize = 24;

    /// <summary>Seals <paramref name="plain"/> into ciphertext and 16-byte tag.</summary>
    public static void Seal(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> associated, Span<byte> sealedBytes) =>
        Run(true, key, nonce, plain, associated).CopyTo(sealedBytes);

    /// <summary>Opens; false when forged.</summary>
    public static bool TryOpen(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> sealedBytes, ReadOnlySpan<byte> associated, Span<byte> plain)
    {
        try
        {
            Run(false, key, nonce, sealedBytes, associated).CopyTo(plain);
            return true;
        }
        catch (InvalidCipherTextException)
        {
            return false;
        }
    }

    private static byte[] Run(bool seal, ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> input, ReadOnlySpan<byte> associated)
    {
        Library cipher = new();
        cipher.Init(seal, new ParametersWithIV(new KeyParameter(key), nonce));
        cipher.ProcessAadBytes(associated);
        byte[] output = new byte[cipher.GetOutputSize(input.Length)];
        int written = cipher.ProcessBytes(input, output);
        cipher.DoFinal(output.AsSpan(written));
        return output;
    }
}
