using Org.BouncyCastle.Math.EC.Rfc8032;

namespace TunnelMesh.Protocol.Identity;

/// <summary>
/// The Ed25519 key (RFC 8032) that is a user. Immutable and thread-safe; the private half never leaves the object except
/// through <see cref="ToOpenSshPrivate"/>.
/// </summary>
public sealed class IdentityKey
{
    /// <summary>Length of a raw public key in bytes.</summary>
    public const int PublicKeyBytes = 32;

    /// <summary>Length of a signature in bytes.</summary>
    public const int SignatureBytes = 64;

    private readonly byte[] _seed;
    private readonly byte[] _public;

    private IdentityKey(byte[] seed)
    {
        _seed = seed;
        _public = new byte[PublicKeyBytes];
        Ed25519.GeneratePublicKey(seed, 0, _public, 0);
    }

    /// <summary>Raw public key, 32 bytes.</summary>
    public ReadOnlySpan<byte> PublicKey => _public;

    /// <summary>A new key from 32 bytes of <paramref name="random"/>, for example <c>RandomNumberGenerator.Fill</c>.</summary>
    public static IdentityKey Generate(Action<Span<byte>> random)
    {
        ArgumentNullException.ThrowIfNull(random);
        byte[] seed = new byte[32];
        random(seed);
        return new IdentityKey(seed);
    }

    /// <summary>The key with this RFC 8032 seed; the bytes are copied.</summary>
    /// <exception cref="ArgumentException">The seed is not 32 bytes long.</exception>
    public static IdentityKey FromSeed(ReadOnlySpan<byte> seed) =>
        seed.Length == 32 ? new IdentityKey(seed.ToArray()) : throw new ArgumentException("an Ed25519 seed has 32 bytes", nameof(seed));

    /// <summary>Reads an unencrypted OpenSSH private key file (<c>openssh-key-v1</c>, as <c>ssh-keygen -t ed25519</c> writes it).</summary>
    /// <param name="text">The whole file.</param>
    /// <exception cref="IdentityFormatException">Encrypted, of another type, or damaged; the message says which and what to do.</exception>
    public static IdentityKey ParseOpenSshPrivate(string text) => new(OpenSshKeyFormat.ReadSeed(text));

    /// <summary>The private key file, PEM with LF line ends; store it with mode 0600.</summary>
    /// <param name="comment">Free text, kept in the file.</param>
    public string ToOpenSshPrivate(string comment) => OpenSshKeyFormat.WritePrivate(_seed, _public, comment);

    /// <summary>One line <c>ssh-ed25519 BASE64 comment</c>, without a line end.</summary>
    public string ToOpenSshPublic(string comment) => OpenSshKeyFormat.WritePublic(_public, comment);

    /// <summary>Ed25519 signature over <paramref name="message"/>, 64 bytes; the caller owns the array.</summary>
    public byte[] Sign(ReadOnlySpan<byte> message)
    {
        byte[] signature = new byte[SignatureBytes];
        byte[] copy = message.ToArray();
        Ed25519.Sign(_seed, 0, copy, 0, copy.Length, signature, 0);
        return signature;
    }

    /// <summary>True when <paramref name="signature"/> is valid. Lengths that cannot be right and keys off the curve give false.</summary>
    public static bool Verify(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature)
    {
        if (publicKey.Length != PublicKeyBytes || signature.Length != SignatureBytes)
        {
            return false;
        }
        byte[] copy = message.ToArray();
        return Ed25519.Verify(signature.ToArray(), 0, publicKey.ToArray(), 0, copy, 0, copy.Length);
    }
}
