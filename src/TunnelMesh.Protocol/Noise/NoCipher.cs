#if TUNNELMESH_NO_CIPHER
namespace TunnelMesh.Protocol.Noise;

/// <summary>
/// Neither encrypts nor authenticates: what the data plane costs without a cipher, for bench/side-by-side. Compiled only with
/// <c>-p:TunnelMeshNoCipher=true</c>, which no release has; such a program cannot talk to any other.
/// </summary>
internal sealed class NoCipher : TransportAead
{
    /// <inheritdoc/>
    public override bool IsConcurrent => true;

    /// <inheritdoc/>
    public override void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> associated, Span<byte> cipher, Span<byte> tag) => plain.CopyTo(cipher);

    /// <inheritdoc/>
    public override bool TryOpen(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> cipher, ReadOnlySpan<byte> associated, Span<byte> plain, ReadOnlySpan<byte> tag)
    {
        cipher.CopyTo(plain);
        return true;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        // There is nothing to forget.
    }
}
#endif
