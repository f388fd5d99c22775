using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Parameters;
using Library = Org.BouncyCastle.Crypto.Modes.XChaCha20Poly1305;

namespace TunnelMesh.Protocol.Noise;

/// <summary>XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) for cookie replies. Thread-safe; may allocate.</summary>
internal static class XChaCha20Poly1305
{
    public const int NonceSize = 24;

    /// <summary>Seals <paramref name="plain"/> into ciphertext and 16-byte tag.</summary>
    public static void Seal(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> associated, Span<byte> sealedBytes) =>
        Run(key, nonce, plain, associated).CopyTo(sealedBytes);

    /// <summary>Opens; false when forged. Never throws for what came from outside.</summary>
    public static bool TryOpen(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> sealedBytes, ReadOnlySpan<byte> associated, Span<byte> plain)
    {
        // The library reports a forgery by an exception, which a flood of forged cookies would make us pay for each. Sealing
        // what was sealed gives the plaintext back (a stream cipher is its own inverse), and sealing that gives the true tag.
        byte[] opened = Run(key, nonce, sealedBytes[..plain.Length], associated);
        byte[] expected = Run(key, nonce, opened.AsSpan(0, plain.Length), associated);
        bool authentic = CryptographicOperations.FixedTimeEquals(expected, sealedBytes);
        if (authentic)
        {
            opened.AsSpan(0, plain.Length).CopyTo(plain);
        }
        return authentic;
    }

    private static byte[] Run(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> input, ReadOnlySpan<byte> associated)
    {
        Library cipher = new();
        cipher.Init(true, new ParametersWithIV(new KeyParameter(key), nonce));
        cipher.ProcessAadBytes(associated);
        byte[] output = new byte[cipher.GetOutputSize(input.Length)];
        int written = cipher.ProcessBytes(input, output);
        cipher.DoFinal(output.AsSpan(written));
        return output;
    }
}
