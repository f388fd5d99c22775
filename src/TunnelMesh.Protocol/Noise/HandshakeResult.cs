namespace TunnelMesh.Protocol.Noise;

/// <summary>What became of a handshake datagram. Everything but the first five was dropped and counted.</summary>
public enum HandshakeResult
{
    /// <summary>An initiation was accepted: send the response in the reply buffer to where it came from.</summary>
    Responded,
    /// <summary>A response was accepted: flush the queue over the new keys, or send a keepalive when it is empty.</summary>
    SessionEstablished,
    /// <summary>Under load and without proof of address: send the cookie reply in the reply buffer.</summary>
    CookieSent,
    /// <summary>A cookie reply was accepted; the next initiation carries it.</summary>
    CookieStored,
    /// <summary>A byte-for-byte repeat of the initiation answered last, whose response may have been lost on the way it took:
    /// send the response in the reply buffer, the same as before, to where it came from.</summary>
    AnsweredAgain,
    /// <summary>Not a handshake datagram of the right type and size.</summary>
    Ignored,
    /// <summary>MAC1 is wrong: the sender does not know our public key.</summary>
    BadMac,
    /// <summary>Too many handshakes from this source, or initiations of this peer within 20 ms.</summary>
    RateLimited,
    /// <summary>The initiation is no newer than one already accepted.</summary>
    Replayed,
    /// <summary>No peer has that public key, or no handshake that receiver index.</summary>
    UnknownPeer,
    /// <summary>A cookie reply that does not answer what we sent.</summary>
    InvalidCookie,
    /// <summary>A field does not authenticate, or a public key is of low order.</summary>
    Forged,
}
