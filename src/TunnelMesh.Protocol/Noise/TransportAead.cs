using System.Buffers.Binary;
using System.Security.Cryptography;

namespace TunnelMesh.Protocol.Noise;

/// <summary>
/// ChaCha20-Poly1305 (RFC 8439) under one key with a 64-bit counter as nonce (4 zero bytes, then little endian).
/// One thread at a time per instance; does not allocate after construction.
/// </summary>
internal sealed class TransportAead : IDisposable
{
    private readonly ChaCha20Poly1305 _cipher;

    public TransportAead(ReadOnlySpan<byte> key) => _cipher = new ChaCha20Poly1305(key);

    /// <summary>Seals in place: <paramref name="data"/> becomes ciphertext, its tag goes to <paramref name="tag"/>.</summary>
    public void Seal(ulong counter, Span<byte> data, Span<byte> tag)
    {
        Span<byte> nonce = stackalloc byte[12];
        WriteNonce(counter, nonce);
        _cipher.Encrypt(nonce, data, data, tag);
    }

    /// <summary>Opens in place; false when the tag does not fit, and then the data is worthless.</summary>
    public bool TryOpen(ulong counter, Span<byte> data, ReadOnlySpan<byte> tag)
    {
        Span<byte> nonce = stackalloc byte[12];
        WriteNonce(counter, nonce);
        try
        {
            _cipher.Decrypt(nonce, data, tag, data);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            // The framework has no other way to say it; the exception ends here and the packet is counted as forged.
            return false;
        }
    }

    /// <summary>One handshake field: seals <paramref name="plain"/> with counter 0 into ciphertext and tag.</summary>
    public static void SealOnce(ReadOnlySpan<byte> key, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> associated, Span<byte> sealedBytes)
    {
        using ChaCha20Poly1305 cipher = new(key);
        Span<byte> nonce = stackalloc byte[12];
        nonce.Clear();
        cipher.Encrypt(nonce, plain, sealedBytes[..plain.Length], sealedBytes[plain.Length..], associated);
    }

    /// <summary>Opens what <see cref="SealOnce"/> made; false when it is forged.</summary>
    public static bool TryOpenOnce(ReadOnlySpan<byte> key, ReadOnlySpan<byte> sealedBytes, ReadOnlySpan<byte> associated, Span<byte> plain)
    {
        using ChaCha20Poly1305 cipher = new(key);
        Span<byte> nonce = stackalloc byte[12];
        nonce.Clear();
        try
        {
            cipher.Decrypt(nonce, sealedBytes[..plain.Length], sealedBytes[plain.Length..], plain, associated);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    public void Dispose() => _cipher.Dispose();

    private static void WriteNonce(ulong counter, Span<byte> nonce)
    {
        nonce[..4].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(nonce[4..], counter);
    }
}
