namespace TunnelMesh.Protocol.Noise;

/// <summary>
/// The sender's side of the cookie mechanism for one peer: remembers the mac1 last sent and a cookie for two minutes.
/// Not thread-safe; the peer's owner calls it.
/// </summary>
public sealed class CookieJar
{
    private readonly byte[] _cookieKey;
    private readonly byte[] _cookie = new byte[WireGuardMessage.MacSize];
    private readonly byte[] _mac1 = new byte[WireGuardMessage.MacSize];
    private bool _awaiting;
    private long? _until;

    /// <summary>For the peer with this public key.</summary>
    public CookieJar(ReadOnlySpan<byte> remotePublic) => _cookieKey = MacKeys.Cookie(remotePublic);

    /// <summary>The live cookie, 16 bytes, or empty.</summary>
    public ReadOnlySpan<byte> Current(long now) => _until is { } until && now < until ? _cookie : [];

    /// <summary>Notes that a message with this mac1 went out; only a reply to it is taken.</summary>
    public void NoteSent(ReadOnlySpan<byte> mac1)
    {
        mac1.CopyTo(_mac1);
        _awaiting = true;
    }

    /// <summary>Takes a 64-byte cookie reply; false when it is forged or answers nothing of ours.</summary>
    public bool TryTake(ReadOnlySpan<byte> reply, long now, TimeProvider time)
    {
        Span<byte> cookie = stackalloc byte[WireGuardMessage.MacSize];
        if (!_awaiting || WireGuardMessage.TypeOf(reply) != WireGuardMessage.CookieReply ||
            !XChaCha20Poly1305.TryOpen(_cookieKey, reply.Slice(8, XChaCha20Poly1305.NonceSize), reply[32..], _mac1, cookie))
        {
            return false;
        }
        cookie.CopyTo(_cookie);
        _until = time.After(now, HandshakeClock.CookieLifetime);
        _awaiting = false;
        return true;
    }
}
