using System.Security.Cryptography;
using Org.BouncyCastle.Math.EC.Rfc7748;

namespace TunnelMesh.Protocol.Identity;

/// <summary>An X25519 key pair (RFC 7748): the static WireGuard key of a device, or an ephemeral one. Immutable and thread-safe.</summary>
public sealed class DeviceKey
{
    /// <summary>Length of either half in bytes.</summary>
    public const int KeyBytes = 32;

    private readonly byte[] _private;
    private readonly byte[] _public;

    private DeviceKey(byte[] privateKey)
    {
        _private = privateKey;
        _private[0] &= 248;
        _private[31] &= 127;
        _private[31] |= 64;
        _public = new byte[KeyBytes];
        X25519.ScalarMultBase(_private, 0, _public, 0);
    }

    /// <summary>Raw public key, 32 bytes.</summary>
    public ReadOnlySpan<byte> Public => _public;

    /// <summary>Raw clamped private key, 32 bytes: for storage (0600) and the tunnel engine; never log it.</summary>
    public ReadOnlySpan<byte> Private => _private;

    /// <summary>A new key from 32 bytes of <paramref name="random"/>, for example <c>RandomNumberGenerator.Fill</c>.</summary>
    public static DeviceKey Generate(Action<Span<byte>> random)
    {
        ArgumentNullException.ThrowIfNull(random);
        byte[] bytes = new byte[KeyBytes];
        random(bytes);
        return new DeviceKey(bytes);
    }

    /// <summary>The pair of a private key, which is copied and clamped.</summary>
    /// <exception cref="ArgumentException">Not 32 bytes long.</exception>
    public static DeviceKey FromPrivate(ReadOnlySpan<byte> privateKey) => privateKey.Length == KeyBytes
        ? new DeviceKey(privateKey.ToArray())
        : throw new ArgumentException("an X25519 private key has 32 bytes", nameof(privateKey));

    /// <summary>X25519 agreement. False when the result is all zero (a low-order key) or <paramref name="remote"/> is not 32 bytes; then <paramref name="shared"/> is zeroed.</summary>
    /// <param name="remote">The other side's public key.</param>
    /// <param name="shared">Receives 32 bytes.</param>
    /// <exception cref="ArgumentException"><paramref name="shared"/> is not 32 bytes long.</exception>
    public bool TryAgree(ReadOnlySpan<byte> remote, Span<byte> shared)
    {
        if (shared.Length != KeyBytes)
        {
            throw new ArgumentException("an X25519 result has 32 bytes", nameof(shared));
        }
        shared.Clear();
        if (remote.Length != KeyBytes)
        {
            return false;
        }
        byte[] result = new byte[KeyBytes];
        bool good = X25519.CalculateAgreement(_private, 0, remote.ToArray(), 0, result, 0);
        if (good)
        {
            result.CopyTo(shared);
        }
        CryptographicOperations.ZeroMemory(result);
        return good;
    }
}
