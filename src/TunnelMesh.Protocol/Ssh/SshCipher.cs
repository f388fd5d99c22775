using System.Buffers.Binary;
using System.Security.Cryptography;

namespace TunnelMesh.Protocol.Ssh;

/// <summary>
/// AES-256-GCM for one direction (RFC 5647 as aes256-gcm@openssh.com uses it): the four length bytes are authenticated, everything after them is sealed, and
/// the last eight bytes of the nonce count the packets. One thread at a time.
/// </summary>
internal sealed class SshCipher : IDisposable
{
    public const int KeyBytes = 32, NonceBytes = 12, TagBytes = 16;

    private readonly AesGcm _aes;
    private readonly byte[] _nonce;

    /// <summary>A cipher under this key; the nonce is copied.</summary>
    public SshCipher(ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce)
    {
        _aes = new AesGcm(key, TagBytes);
        _nonce = nonce.ToArray();
    }

    /// <summary>Seals in place.</summary>
    /// <param name="packet">Length, padding length, payload and padding; then room for the tag.</param>
    public void Seal(Span<byte> packet)
    {
        Span<byte> body = packet[SshPacket.LengthBytes..^TagBytes];
        _aes.Encrypt(_nonce, body, body, packet[^TagBytes..], packet[..SshPacket.LengthBytes]);
        Next();
    }

    /// <summary>Opens in place; what fails is zeroed.</summary>
    /// <param name="packet">The whole packet with its tag.</param>
    /// <returns>False when it is forged or damaged; the connection is then over.</returns>
    public bool TryOpen(Span<byte> packet)
    {
        Span<byte> body = packet[SshPacket.LengthBytes..^TagBytes];
        try
        {
            _aes.Decrypt(_nonce, body, packet[^TagBytes..], body, packet[..SshPacket.LengthBytes]);
        }
        catch (AuthenticationTagMismatchException)
        {
            // Once in the life of a connection: it ends here.
            return false;
        }
        Next();
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _aes.Dispose();
        CryptographicOperations.ZeroMemory(_nonce);
    }

    private void Next()
    {
        Span<byte> counter = _nonce.AsSpan(sizeof(uint));
        BinaryPrimitives.WriteUInt64BigEndian(counter, BinaryPrimitives.ReadUInt64BigEndian(counter) + 1);
    }
}
