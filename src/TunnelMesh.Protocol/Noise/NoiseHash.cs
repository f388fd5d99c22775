using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Macs;
using Org.BouncyCastle.Crypto.Parameters;

namespace TunnelMesh.Protocol.Noise;

/// <summary>
/// The hash functions of the handshake: BLAKE2s (RFC 7693) plain and keyed, HMAC (RFC 2104) and HKDF (RFC 5869) over it.
/// Handshakes only, so they may allocate. Thread-safe.
/// </summary>
internal static class NoiseHash
{
    public const int Size = 32;

    /// <summary>BLAKE2s-256 of the concatenation of both parts, into 32 bytes; the result may overlap the parts.</summary>
    public static void Hash(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> result)
    {
        Blake2sDigest digest = new(256);
        digest.BlockUpdate(first);
        digest.BlockUpdate(second);
        digest.DoFinal(result);
    }

    /// <summary>Keyed BLAKE2s with 16 bytes of output: the MAC of mac1, mac2 and cookies.</summary>
    public static void Mac(ReadOnlySpan<byte> key, ReadOnlySpan<byte> input, Span<byte> result)
    {
        Blake2sDigest digest = new(key.ToArray(), WireGuardMessage.MacSize, null, null);
        digest.BlockUpdate(input);
        digest.DoFinal(result);
    }

    /// <summary>HKDF with the chaining key as salt; fills as many 32-byte outputs as are given (the others may be empty).</summary>
    public static void Kdf(ReadOnlySpan<byte> chainingKey, ReadOnlySpan<byte> input, Span<byte> first, Span<byte> second = default, Span<byte> third = default)
    {
        Span<byte> secret = stackalloc byte[Size];
        Span<byte> one = stackalloc byte[Size];
        Span<byte> two = stackalloc byte[Size];
        Hmac(chainingKey, input, [], 0, secret);
        Hmac(secret, [], [], 1, one);
        if (!second.IsEmpty)
        {
            Hmac(secret, one, [], 2, two);
            if (!third.IsEmpty)
            {
                Hmac(secret, two, [], 3, third);
            }
            two.CopyTo(second);
        }
        // Written last: the first output is the next chaining key and often overwrites the salt.
        one.CopyTo(first);
        CryptographicOperations.ZeroMemory(secret);
        CryptographicOperations.ZeroMemory(one);
        CryptographicOperations.ZeroMemory(two);
    }

    /// <summary>HMAC-BLAKE2s-256 over both parts and, unless it is 0, one more byte.</summary>
    public static void Hmac(ReadOnlySpan<byte> key, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, byte last, Span<byte> result)
    {
        HMac mac = new(new Blake2sDigest(256));
        mac.Init(new KeyParameter(key));
        mac.BlockUpdate(first);
        mac.BlockUpdate(second);
        if (last != 0)
        {
            mac.Update(last);
        }
        mac.DoFinal(result);
    }
}
