using System.Security.Cryptography;

namespace TunnelMesh.Protocol.Noise;

/// <summary>
/// The receiver's side of the cookie mechanism (whitepaper 5.3 and 5.4.7): checks mac1 and mac2, and makes cookie replies
/// under a secret that is replaced every two minutes. Thread-safe: one lock, on handshakes only.
/// </summary>
public sealed class CookieResponder(LocalStatic local, TimeProvider time, Action<Span<byte>> random)
{
    private readonly Lock _lock = new();
    private readonly byte[] _cookieKey = MacKeys.Cookie(local.PublicKey.Span);
    private readonly byte[] _secret = new byte[NoiseHash.Size];
    private long? _secretUntil;

    /// <summary>True when mac1 of an initiation or response is meant for us.</summary>
    public bool IsMac1Valid(ReadOnlySpan<byte> message) => MessageMacs.IsMac1Valid(message, local.Mac1Key);

    /// <summary>True when mac2 proves that the sender got our cookie at this source.</summary>
    /// <param name="message">Initiation or response.</param>
    /// <param name="source">Bytes that name the sender: its address and port, or its device ID on a relayed path.</param>
    public bool IsMac2Valid(ReadOnlySpan<byte> message, ReadOnlySpan<byte> source)
    {
        Span<byte> cookie = stackalloc byte[WireGuardMessage.MacSize];
        lock (_lock)
        {
            if (_secretUntil is not { } until || time.GetTimestamp() >= until)
            {
                return false;
            }
            NoiseHash.Mac(_secret, source, cookie);
        }
        return MessageMacs.IsMac2Valid(message, cookie);
    }

    /// <summary>Writes the 64-byte reply to a message whose mac1 was valid.</summary>
    public void WriteReply(ReadOnlySpan<byte> message, ReadOnlySpan<byte> source, Span<byte> reply)
    {
        Span<byte> cookie = stackalloc byte[WireGuardMessage.MacSize];
        reply = reply[..WireGuardMessage.CookieReplySize];
        reply.Clear();
        reply[0] = WireGuardMessage.CookieReply;
        message.Slice(4, 4).CopyTo(reply[4..]);
        Span<byte> nonce = reply.Slice(8, XChaCha20Poly1305.NonceSize);
        lock (_lock)
        {
            long now = time.GetTimestamp();
            if (_secretUntil is not { } until || now >= until)
            {
                random(_secret);
                _secretUntil = time.After(now, HandshakeClock.CookieLifetime);
            }
            random(nonce);
            NoiseHash.Mac(_secret, source, cookie);
        }
        XChaCha20Poly1305.Seal(_cookieKey, nonce, cookie, message.Slice(message.Length - 32, WireGuardMessage.MacSize), reply[32..]);
        CryptographicOperations.ZeroMemory(cookie);
    }
}
