using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Noise;

/// <content>Message types 1 to 3 (paper, section 5.4).</content>
public sealed partial class WireGuardDevice
{
    private static readonly TimeSpan InitiationFlood = TimeSpan.FromMilliseconds(20);

    /// <summary>Handles an initiation, response or cookie reply.</summary>
    /// <param name="datagram">The whole datagram; only read.</param>
    /// <param name="sourceKey">Names the sender for cookies and the rate limit: 4 or 16 address bytes, with 2 port bytes
    /// after them if the cookie shall prove the port too; or a name of any other length.</param>
    /// <param name="underLoad">Whether to ask for proof of address (cookies) and to limit the rate per source.</param>
    /// <param name="reply">At least 92 bytes for the datagram to send back.</param>
    /// <param name="replyLength">Bytes of the reply, 0 for none.</param>
    /// <param name="peer">Who it was, once authenticated.</param>
    /// <exception cref="ArgumentException">The reply buffer is too small.</exception>
    public HandshakeResult HandleHandshake(ReadOnlySpan<byte> datagram, ReadOnlySpan<byte> sourceKey, bool underLoad, Span<byte> reply, out int replyLength, out WireGuardPeer? peer)
    {
        if (reply.Length < WireGuardMessage.ResponseSize)
        {
            throw new ArgumentException($"The reply buffer needs {WireGuardMessage.ResponseSize} bytes.", nameof(reply));
        }
        (replyLength, peer) = (0, null);
        uint type = datagram.Length >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(datagram) : 0;
        switch (type, datagram.Length)
        {
            case (WireGuardMessage.CookieReply, WireGuardMessage.CookieReplySize):
                return Counters.Count(ConsumeCookie(datagram, out peer));
            case (WireGuardMessage.Initiation, WireGuardMessage.InitiationSize):
            case (WireGuardMessage.Response, WireGuardMessage.ResponseSize):
                break;
            default:
                return Counters.Count(HandshakeResult.Ignored);
        }
        if (!_cookies.IsMac1Valid(datagram))
        {
            return Counters.Count(HandshakeResult.BadMac);
        }
        if (underLoad)
        {
            if (!_cookies.IsMac2Valid(datagram, sourceKey))
            {
                _cookies.WriteReply(datagram, sourceKey, reply);
                replyLength = WireGuardMessage.CookieReplySize;
                return Counters.Count(HandshakeResult.CookieSent);
            }
            if (!_limiter.TryTake(RateKey(sourceKey)))
            {
                return Counters.Count(HandshakeResult.RateLimited);
            }
        }
        HandshakeResult result = type == WireGuardMessage.Initiation ? ConsumeInitiation(datagram, reply, out peer) : ConsumeResponse(datagram, out peer);
        if (result is HandshakeResult.Responded or HandshakeResult.AnsweredAgain)
        {
            replyLength = WireGuardMessage.ResponseSize;
        }
        return Counters.Count(result);
    }

    /// <summary>Writes a new initiation. The same bytes may be sent again.</summary>
    /// <param name="peer">Whom to address.</param>
    /// <param name="initiation148">At least 148 bytes.</param>
    /// <returns>False when 5 s have not passed since the last one, or the peer was removed.</returns>
    /// <exception cref="ArgumentException">The buffer is too small.</exception>
    public bool TryBeginHandshake(WireGuardPeer peer, Span<byte> initiation148)
    {
        ArgumentNullException.ThrowIfNull(peer);
        if (initiation148.Length < WireGuardMessage.InitiationSize)
        {
            throw new ArgumentException($"An initiation needs {WireGuardMessage.InitiationSize} bytes.", nameof(initiation148));
        }
        lock (peer.Sync)
        {
            long now = Time.GetTimestamp();
            if (!peer.TryStartInitiation(now))
            {
                return false;
            }
            peer.ClearPending();
            uint index = Reserve(new PeerIndexEntry(peer, null));
            peer.Pending = InitiatorHandshake.Create(
                Local, peer.RemotePublic, peer.PresharedKey, index, NextTimestamp(peer), peer.Cookies.Current(now), _random, peer.PendingMessage);
            if (peer.Pending is null)
            {
                Indexes.TryRemove(index, out _);
                return false;
            }
            peer.Cookies.NoteSent(peer.Pending.Mac1);
            peer.PendingMessage.CopyTo(initiation148);
            peer.HandshakeSent(now);
            return true;
        }
    }

    private HandshakeResult ConsumeInitiation(ReadOnlySpan<byte> message, Span<byte> reply, out WireGuardPeer? found)
    {
        found = null;
        using ReceivedInitiation? received = ReceivedInitiation.TryRead(Local, message);
        if (received is null)
        {
            return HandshakeResult.Forged;
        }
        if (FindPeer(received.RemotePublic) is not { } peer)
        {
            return HandshakeResult.UnknownPeer;
        }
        lock (peer.Sync)
        {
            if (peer.Removed)
            {
                return HandshakeResult.UnknownPeer;
            }
            long now = Time.GetTimestamp();
            if (received.Timestamp <= peer.GreatestTimestamp)
            {
                if (!peer.TryRepeatResponse(message, now, reply))
                {
                    return HandshakeResult.Replayed;
                }
                found = peer;
                return HandshakeResult.AnsweredAgain;
            }
            if (peer.HasConsumed && now - peer.LastConsumed < Time.After(0, InitiationFlood))
            {
                return HandshakeResult.RateLimited;
            }
            uint index = Reserve(new PeerIndexEntry(peer, null));
            TransportKeypair? keypair = received.Respond(peer.PresharedKey, index, peer.Cookies.Current(now), _random, now, Time, reply);
            if (keypair is null)
            {
                Indexes.TryRemove(index, out _);
                return HandshakeResult.Forged;
            }
            peer.Cookies.NoteSent(reply.Slice(WireGuardMessage.ResponseSize - 2 * WireGuardMessage.MacSize, WireGuardMessage.MacSize));
            Register(peer, keypair);
            peer.GreatestTimestamp = received.Timestamp;
            peer.KeepResponse(message, reply);
            (peer.HasConsumed, peer.LastConsumed) = (true, now);
            peer.HandshakeReceived(now);
            peer.HandshakeSent(now);
            found = peer;
            return HandshakeResult.Responded;
        }
    }

    private HandshakeResult ConsumeResponse(ReadOnlySpan<byte> message, out WireGuardPeer? found)
    {
        found = null;
        uint index = BinaryPrimitives.ReadUInt32LittleEndian(message[8..]);
        if (!Indexes.TryGetValue(index, out PeerIndexEntry? entry) || entry.Keypair is not null)
        {
            return HandshakeResult.UnknownPeer;
        }
        WireGuardPeer peer = entry.Peer;
        lock (peer.Sync)
        {
            if (peer.Pending is not { } pending || pending.LocalIndex != index)
            {
                return HandshakeResult.UnknownPeer;
            }
            long now = Time.GetTimestamp();
            if (!pending.TryConsume(message, now, Time, out TransportKeypair? keypair) || keypair is null)
            {
                return HandshakeResult.Forged;
            }
            // The session takes over the index of the handshake, which is what the peer will address.
            pending.Dispose();
            peer.Pending = null;
            Register(peer, keypair);
            peer.HandshakeReceived(now);
            found = peer;
            return HandshakeResult.SessionEstablished;
        }
    }

    private HandshakeResult ConsumeCookie(ReadOnlySpan<byte> message, out WireGuardPeer? found)
    {
        found = null;
        if (!Indexes.TryGetValue(BinaryPrimitives.ReadUInt32LittleEndian(message[4..]), out PeerIndexEntry? entry))
        {
            return HandshakeResult.UnknownPeer;
        }
        lock (entry.Peer.Sync)
        {
            if (entry.Peer.Removed || !entry.Peer.Cookies.TryTake(message, Time.GetTimestamp(), Time))
            {
                return HandshakeResult.InvalidCookie;
            }
        }
        found = entry.Peer;
        return HandshakeResult.CookieStored;
    }

    private void Register(WireGuardPeer peer, TransportKeypair keypair)
    {
        Indexes[keypair.LocalIndex] = new PeerIndexEntry(peer, keypair);
        peer.Install(keypair);
    }
}
