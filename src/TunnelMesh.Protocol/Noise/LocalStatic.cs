using System.Security.Cryptography;
using Org.BouncyCastle.Math.EC.Rfc7748;

namespace TunnelMesh.Protocol.Noise;

/// <summary>Our static X25519 key, with what is derived from it once. Immutable and thread-safe; zeroed on Dispose.</summary>
public sealed class LocalStatic : IDisposable
{
    private readonly byte[] _private;
    private readonly byte[] _public = new byte[WireGuardMessage.KeySize];
    private readonly byte[] _mac1Key;

    /// <summary>Copies and clamps a 32-byte private key.</summary>
    /// <exception cref="ArgumentException">Not 32 bytes.</exception>
    public LocalStatic(ReadOnlySpan<byte> privateKey)
    {
        if (privateKey.Length != WireGuardMessage.KeySize)
        {
            throw new ArgumentException("an X25519 private key has 32 bytes", nameof(privateKey));
        }
        _private = privateKey.ToArray();
        X25519.ClampPrivateKey(_private);
        X25519.GeneratePublicKey(_private, 0, _public, 0);
        _mac1Key = MacKeys.Mac1(_public);
    }

    /// <summary>Our public key, 32 bytes.</summary>
    public ReadOnlyMemory<byte> PublicKey => _public;

    /// <summary>The key of mac1 on messages to us, 32 bytes.</summary>
    internal ReadOnlySpan<byte> Mac1Key => _mac1Key;

    /// <inheritdoc/>
    public void Dispose() => CryptographicOperations.ZeroMemory(_private);

    /// <summary>X25519 with a remote key into 32 bytes; false for low-order keys, whose result is all zero.</summary>
    internal bool TryAgree(ReadOnlySpan<byte> remote, Span<byte> shared) => Agree(_private, remote, shared);

    internal static bool Agree(ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> remote, Span<byte> shared) =>
        X25519.CalculateAgreement(privateKey, remote, shared);
}
