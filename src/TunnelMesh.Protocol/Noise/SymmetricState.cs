using System.Security.Cryptography;

namespace TunnelMesh.Protocol.Noise;

/// <summary>
/// Chaining key and transcript hash of Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s with WireGuard's prologue (Noise, section 5.2).
/// One owner, not thread-safe; zeroed on Dispose.
/// </summary>
internal sealed class SymmetricState : IDisposable
{
    private static readonly byte[] InitialChain = HashOf("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"u8, []);
    private static readonly byte[] InitialHash = HashOf(InitialChain, "WireGuard v1 zx2c4 Jason@zx2c4.com"u8);

    private readonly byte[] _chain = [.. InitialChain];
    private readonly byte[] _hash = [.. InitialHash];
    private readonly byte[] _key = new byte[NoiseHash.Size];

    public SymmetricState(ReadOnlySpan<byte> responderPublic) => MixHash(responderPublic);

    private SymmetricState(SymmetricState other)
    {
        other._chain.CopyTo(_chain, 0);
        other._hash.CopyTo(_hash, 0);
    }

    /// <summary>A copy, so that a forged answer cannot spoil the handshake it pretends to belong to.</summary>
    public SymmetricState Clone() => new(this);

    public void MixHash(ReadOnlySpan<byte> data) => NoiseHash.Hash(_hash, data, _hash);

    /// <summary>The e token under a PSK: the public key enters both the hash and the chaining key.</summary>
    public void MixEphemeral(ReadOnlySpan<byte> publicKey)
    {
        MixHash(publicKey);
        NoiseHash.Kdf(_chain, publicKey, _chain);
    }

    public void MixKey(ReadOnlySpan<byte> input) => NoiseHash.Kdf(_chain, input, _chain, _key);

    /// <summary>The psk token: chaining key, hash and key all depend on it.</summary>
    public void MixKeyAndHash(ReadOnlySpan<byte> presharedKey)
    {
        Span<byte> middle = stackalloc byte[NoiseHash.Size];
        NoiseHash.Kdf(_chain, presharedKey, _chain, middle, _key);
        MixHash(middle);
        CryptographicOperations.ZeroMemory(middle);
    }

    /// <summary>Seals into <paramref name="field"/>, which is 16 bytes longer than <paramref name="plain"/>.</summary>
    public void EncryptAndHash(ReadOnlySpan<byte> plain, Span<byte> field)
    {
        TransportAead.SealOnce(_key, plain, _hash, field);
        MixHash(field);
    }

    public bool TryDecryptAndHash(ReadOnlySpan<byte> field, Span<byte> plain)
    {
        if (!TransportAead.TryOpenOnce(_key, field, _hash, plain))
        {
            return false;
        }
        MixHash(field);
        return true;
    }

    /// <summary>The two transport keys: the initiator sends with the first.</summary>
    public void Split(Span<byte> first, Span<byte> second) => NoiseHash.Kdf(_chain, [], first, second);

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_chain);
        CryptographicOperations.ZeroMemory(_hash);
        CryptographicOperations.ZeroMemory(_key);
    }

    private static byte[] HashOf(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        byte[] result = new byte[NoiseHash.Size];
        NoiseHash.Hash(first, second, result);
        return result;
    }
}
