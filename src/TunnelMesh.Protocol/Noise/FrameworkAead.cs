using System.Security.Cryptography;

namespace TunnelMesh.Protocol.Noise;

/// <summary><see cref="TransportAead"/> over the framework's class, for systems without a usable libcrypto.</summary>
internal sealed class FrameworkAead(ReadOnlySpan<byte> key) : TransportAead
{
    private readonly ChaCha20Poly1305 _cipher = new(key);

    /// <inheritdoc/>
    public override void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> associated, Span<byte> cipher, Span<byte> tag) =>
        _cipher.Encrypt(nonce, plain, cipher, tag, associated);

    /// <inheritdoc/>
    public override bool TryOpen(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> cipher, ReadOnlySpan<byte> associated, Span<byte> plain, ReadOnlySpan<byte> tag)
    {
        try
        {
            _cipher.Decrypt(nonce, cipher, tag, plain, associated);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            // The framework has no other way to say it; the exception ends here.
            CryptographicOperations.ZeroMemory(plain);
            return false;
        }
    }

    /// <inheritdoc/>
    public override void Dispose() => _cipher.Dispose();
}
