using System.Security.Cryptography;
using Org.BouncyCastle.Math.EC.Rfc7748;

namespace TunnelMesh.Protocol.Ssh;

/// <summary>
/// One key exchange, curve25519-sha256 (RFC 8731, RFC 5656 section 4): the ephemeral key, the exchange hash, and the keys derived from it (RFC 4253 section 7.2).
/// One thread at a time; forgets everything on Dispose.
/// </summary>
internal sealed class SshKeyExchange : IDisposable
{
    public const int PointBytes = 32;

    private readonly byte[] _private = new byte[PointBytes];
    private readonly byte[] _public = new byte[PointBytes];
    private byte[] _secret = [];
    private byte[] _sessionId = [];

    /// <summary>An exchange with a new ephemeral key.</summary>
    /// <param name="random">Its source.</param>
    public SshKeyExchange(Action<Span<byte>> random)
    {
        random(_private);
        X25519.ClampPrivateKey(_private);
        X25519.GeneratePublicKey(_private, _public);
    }

    /// <summary>Our ephemeral public key.</summary>
    public ReadOnlySpan<byte> Public => _public;

    /// <summary>The exchange hash, once agreed.</summary>
    public byte[] Hash { get; private set; } = [];

    /// <summary>Agrees on the secret; false for a point of low order, or one that is none.</summary>
    /// <param name="remote">The other side's ephemeral key.</param>
    /// <param name="isClient">Our role.</param>
    /// <param name="hostKey">The server's key blob.</param>
    /// <param name="hello">Identifications and KEXINITs, the client's first, as RFC 4253 section 8 has them in its hash.</param>
    /// <param name="sessionId">The hash of the connection's first exchange; empty when this is it.</param>
    public bool TryAgree(ReadOnlySpan<byte> remote, bool isClient, ReadOnlySpan<byte> hostKey, SshWriter hello, ReadOnlySpan<byte> sessionId)
    {
        Span<byte> shared = stackalloc byte[PointBytes];
        if (remote.Length != PointBytes || !X25519.CalculateAgreement(_private, remote, shared))
        {
            return false;
        }
        SshWriter secret = new SshWriter().MPInt(shared);
        _secret = secret.ToArray();
        SshWriter hashed = new SshWriter().Bytes(hello.Written).String(hostKey);
        hashed.String(isClient ? Public : remote).String(isClient ? remote : Public).Bytes(_secret);
        Hash = SHA256.HashData(hashed.Written);
        _sessionId = sessionId.IsEmpty ? Hash : sessionId.ToArray();
        hashed.Clear();
        secret.Clear();
        CryptographicOperations.ZeroMemory(shared);
        return true;
    }

    /// <summary>The cipher of one direction.</summary>
    /// <param name="fromClient">From the client to the server.</param>
    public SshCipher Derive(bool fromClient)
    {
        Span<byte> nonce = stackalloc byte[SHA256.HashSizeInBytes], key = stackalloc byte[SHA256.HashSizeInBytes];
        Derive(fromClient ? (byte)'A' : (byte)'B', nonce);
        Derive(fromClient ? (byte)'C' : (byte)'D', key);
        SshCipher cipher = new(key, nonce[..SshCipher.NonceBytes]);
        CryptographicOperations.ZeroMemory(nonce);
        CryptographicOperations.ZeroMemory(key);
        return cipher;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_private);
        CryptographicOperations.ZeroMemory(_secret);
    }

    // One hash has the bytes of the longest key, so it is never extended.
    private void Derive(byte letter, Span<byte> to)
    {
        SshWriter input = new SshWriter().Bytes(_secret).Bytes(Hash).Byte(letter).Bytes(_sessionId);
        SHA256.HashData(input.Written, to);
        input.Clear();
    }
}
