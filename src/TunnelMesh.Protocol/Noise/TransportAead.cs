using System.Buffers.Binary;
using TunnelMesh.Protocol.Noise.Vectors;

namespace TunnelMesh.Protocol.Noise;

/// <summary>
/// ChaCha20-Poly1305 (RFC 8439) under one key with a 64-bit counter as nonce (4 zero bytes, then little endian; WireGuard
/// whitepaper, 5.4.6). One thread at a time per instance, unless <see cref="IsConcurrent"/>. After construction nothing allocates, unless the framework does the work.
/// Forged input is answered with false: no exception, and zeros where the plaintext would have been.
/// </summary>
internal abstract class TransportAead : IDisposable
{
    /// <summary>Nonce length in bytes.</summary>
    public const int NonceSize = 12;

    /// <summary>True when libcrypto is used where our own AVX-512 code cannot run, false when the framework is. Chosen once per process.</summary>
    public static bool UsesLibCrypto => LibCrypto.Instance is not null;

    /// <summary>What <see cref="Create"/> chooses in this process.</summary>
    public static string Name =>
#if TUNNELMESH_NO_CIPHER
        "none";
#else
        VectorAead.IsSupported ? "avx512" : UsesLibCrypto ? "libcrypto" : "framework";
#endif

    /// <summary>True when any number of threads may use one instance at a time.</summary>
    public virtual bool IsConcurrent => false;

    /// <summary>A cipher of the best implementation that can run here, under a 32-byte key.</summary>
    public static TransportAead Create(ReadOnlySpan<byte> key) =>
#if TUNNELMESH_NO_CIPHER
        new NoCipher();
#else
        VectorAead.IsSupported ? new VectorAead(key) : LibCrypto.Instance is { } library ? new EvpAead(library, key) : new FrameworkAead(key);
#endif

    /// <summary>Seals in place: <paramref name="data"/> becomes ciphertext, its tag goes to <paramref name="tag"/>.</summary>
    /// <param name="counter">Never used twice under one key.</param>
    /// <param name="data">Any length, also empty.</param>
    /// <param name="tag">16 bytes.</param>
    public void Seal(ulong counter, Span<byte> data, Span<byte> tag)
    {
        Span<byte> nonce = stackalloc byte[NonceSize];
        WriteNonce(counter, nonce);
        Seal(nonce, data, default, data, tag);
    }

    /// <summary>Opens in place; false when the tag does not fit, and then <paramref name="data"/> is all zero.</summary>
    public bool TryOpen(ulong counter, Span<byte> data, ReadOnlySpan<byte> tag)
    {
        Span<byte> nonce = stackalloc byte[NonceSize];
        WriteNonce(counter, nonce);
        return TryOpen(nonce, data, default, data, tag);
    }

    /// <summary>Seals packets in place, each as <see cref="Seal(ulong, Span{byte}, Span{byte})"/> does, in any order.</summary>
    /// <param name="buffer">Holds all of them; they do not overlap.</param>
    /// <param name="packets">Any number, of any lengths.</param>
    /// <exception cref="ArgumentOutOfRangeException">A packet or its tag lies outside the buffer.</exception>
    public virtual void SealBatch(Span<byte> buffer, ReadOnlySpan<AeadPacket> packets)
    {
        foreach (AeadPacket packet in packets)
        {
            Span<byte> slot = buffer.Slice(packet.Offset, packet.Length + WireGuardMessage.TagSize);
            Seal(packet.Counter, slot[..packet.Length], slot[packet.Length..]);
        }
    }

    /// <summary>Opens packets in place, each as <see cref="TryOpen(ulong, Span{byte}, ReadOnlySpan{byte})"/> does, in any order;
    /// each packet's <see cref="AeadPacket.IsAuthentic"/> says how it went.</summary>
    /// <param name="buffer">Holds all of them; they do not overlap.</param>
    /// <param name="packets">Any number, of any lengths.</param>
    /// <exception cref="ArgumentOutOfRangeException">A packet or its tag lies outside the buffer.</exception>
    public virtual void OpenBatch(Span<byte> buffer, Span<AeadPacket> packets)
    {
        foreach (ref AeadPacket packet in packets)
        {
            Span<byte> slot = buffer.Slice(packet.Offset, packet.Length + WireGuardMessage.TagSize);
            packet.IsAuthentic = TryOpen(packet.Counter, slot[..packet.Length], slot[packet.Length..]);
        }
    }

    /// <summary>One handshake field: seals <paramref name="plain"/> with counter 0 into ciphertext and tag.</summary>
    public static void SealOnce(ReadOnlySpan<byte> key, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> associated, Span<byte> sealedBytes)
    {
        using TransportAead cipher = Create(key);
        Span<byte> nonce = stackalloc byte[NonceSize];
        nonce.Clear();
        cipher.Seal(nonce, plain, associated, sealedBytes[..plain.Length], sealedBytes[plain.Length..]);
    }

    /// <summary>Opens what <see cref="SealOnce"/> made; false when it is forged, and then <paramref name="plain"/> is all zero.</summary>
    public static bool TryOpenOnce(ReadOnlySpan<byte> key, ReadOnlySpan<byte> sealedBytes, ReadOnlySpan<byte> associated, Span<byte> plain)
    {
        using TransportAead cipher = Create(key);
        Span<byte> nonce = stackalloc byte[NonceSize];
        nonce.Clear();
        return cipher.TryOpen(nonce, sealedBytes[..plain.Length], associated, plain, sealedBytes[plain.Length..]);
    }

    /// <summary>Seals <paramref name="plain"/> into <paramref name="cipher"/>, which has its length and is either the same memory or apart from it.</summary>
    /// <exception cref="ArgumentException">Nonce, tag or ciphertext have the wrong length.</exception>
    public abstract void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> associated, Span<byte> cipher, Span<byte> tag);

    /// <summary>Opens <paramref name="cipher"/> into <paramref name="plain"/>; false when it is forged, and then <paramref name="plain"/> is all zero.</summary>
    /// <exception cref="ArgumentException">Nonce, tag or plaintext have the wrong length.</exception>
    public abstract bool TryOpen(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> cipher, ReadOnlySpan<byte> associated, Span<byte> plain, ReadOnlySpan<byte> tag);

    /// <summary>Zeroes the key. A call that is running on another thread ends first; later ones throw <see cref="ObjectDisposedException"/>.</summary>
    public abstract void Dispose();

    /// <exception cref="ArgumentException">Nonce, tag or output have the wrong length, or the output overlaps the input at an offset.</exception>
    private protected static void Check(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> input, ReadOnlySpan<byte> output, ReadOnlySpan<byte> tag)
    {
        if (nonce.Length != NonceSize || tag.Length != WireGuardMessage.TagSize || input.Length != output.Length)
        {
            throw new ArgumentException(
                $"ChaCha20-Poly1305 takes a nonce of {NonceSize} bytes, a tag of {WireGuardMessage.TagSize} and an output as long as its input; these have {nonce.Length}, {tag.Length} and {output.Length} for {input.Length}.");
        }
        if (input.Overlaps(output, out int offset) && offset != 0)
        {
            throw new ArgumentException("ChaCha20-Poly1305 works in place or into other memory, not into memory that overlaps at an offset.");
        }
    }

    private static void WriteNonce(ulong counter, Span<byte> nonce)
    {
        nonce[..4].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(nonce[4..], counter);
    }
}
