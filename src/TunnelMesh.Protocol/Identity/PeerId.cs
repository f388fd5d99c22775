using System.Security.Cryptography;

namespace TunnelMesh.Protocol.Identity;

/// <summary>Peer ID = user ID: a label of 64 bits for people. Rights bind to the key, never to this.</summary>
public static class PeerId
{
    /// <summary>Lower-case hex of the first 8 bytes of SHA-256 over the raw 32-byte Ed25519 public key: 16 characters.</summary>
    /// <exception cref="ArgumentException">The key is not 32 bytes long.</exception>
    public static string FromIdentityKey(ReadOnlySpan<byte> identityKey)
    {
        if (identityKey.Length != IdentityKey.PublicKeyBytes)
        {
            throw new ArgumentException("an Ed25519 public key has 32 bytes", nameof(identityKey));
        }
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(identityKey, hash);
        return Convert.ToHexStringLower(hash[..8]);
    }
}
