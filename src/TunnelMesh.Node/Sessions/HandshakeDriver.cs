using System.Buffers.Binary;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Paths;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Node.Sessions;

/// <summary>
/// Handshakes on candidate paths: where initiations go, how they are repeated, what becomes of those that come in. Used by the
/// engine's thread.
/// </summary>
internal sealed class HandshakeDriver(WireGuardDevice device, TimeProvider time, ITunnelOutput output, DataPlaneCounters counters, int perSecondBeforeCookies, StrangerBudget strangers)
{
    private readonly HandshakeLoad _load = new(time, perSecondBeforeCookies);
    private readonly HeldInitiations _held = new(time);
    private readonly byte[] _initiation = new byte[WireGuardMessage.InitiationSize];
    private readonly byte[] _reply = new byte[WireGuardMessage.ResponseSize];

    /// <summary>True when there is an address to send an initiation to.</summary>
    public static bool HasTarget(PeerTunnel tunnel) => !tunnel.Paths.Route.First.IsNone || tunnel.HasOffers;

    /// <summary>Begins a handshake unless one began less than 5 s ago.</summary>
    /// <param name="tunnel">With whom.</param>
    /// <param name="now">Timestamp.</param>
    /// <param name="asked">True when the peer has asked for it, and need not be asked in turn.</param>
    public void Begin(PeerTunnel tunnel, long now, bool asked = false)
    {
        if (!HasTarget(tunnel))
        {
            device.PostponeHandshake(tunnel.Session);
            return;
        }

        if (!device.TryBeginHandshake(tunnel.Session, _initiation))
        {
            return;
        }

        PathAddress current = tunnel.Paths.Route.First;

        // While the present path works, a rekey needs no other; if it does not answer, the first repeat tries them all.
        bool works = !current.IsNone && (tunnel.Spec.Stock || (TunnelSender.CanSend(tunnel, now) && HeardLately(tunnel, now)));
        tunnel.Repeater.Begin(_initiation, current);
        if (!works)
        {
            AddTargets(tunnel, now);
            tunnel.OpenStreams(output, now);
            if (!asked)
            {
                output.Meet(tunnel.Spec.DeviceId);
            }
        }

        SendToTargets(tunnel);
    }

    /// <summary>Repeats a pending initiation when that is due.</summary>
    public void Repeat(PeerTunnel tunnel, long now)
    {
        if (!tunnel.Repeater.TakeDue(now))
        {
            return;
        }

        if (!tunnel.Spec.Stock)
        {
            AddTargets(tunnel, now);
        }

        SendToTargets(tunnel);
    }

    /// <summary>Handles an initiation, a response or a cookie reply.</summary>
    /// <param name="datagram">The whole datagram; only read.</param>
    /// <param name="source">Where from.</param>
    /// <param name="since">When it came: a timestamp, before now only for an initiation that was held.</param>
    /// <param name="now">Timestamp.</param>
    /// <param name="tunnel">Whose it was, once authenticated.</param>
    /// <returns>What became of it; after <see cref="HandshakeResult.SessionEstablished"/> the caller flushes the queue.</returns>
    public HandshakeResult Handle(ReadOnlySpan<byte> datagram, in PathAddress source, long since, long now, out PeerTunnel? tunnel)
    {
        HandshakeResult result = device.HandleHandshake(datagram, SourceKey(source, stackalloc byte[18]), _load.Note(now), _reply, out int replyLength, out WireGuardPeer? peer);
        tunnel = peer?.Tag as PeerTunnel;
        if (replyLength > 0 && !output.SendDatagram(_reply.AsSpan(0, replyLength), source))
        {
            counters.Drop(DropReason.SendFailed);
        }

        switch (result)
        {
            case HandshakeResult.SessionEstablished when tunnel is not null:
                tunnel.TakeOffers(output, now);
                tunnel.Paths.NoteSession(source, now);
                tunnel.Repeater.Stop();
                break;
            case HandshakeResult.CookieStored when tunnel is not null:
                // It did arrive there; the next initiation carries the cookie.
                tunnel.Repeater.NoteAnswer(source);
                break;
            case HandshakeResult.UnknownPeer when datagram[0] == WireGuardMessage.Initiation:
                if (_held.Hold(datagram, source, since, now) is > 0 and var lost)
                {
                    counters.Drop(DropReason.TooManyStrangers, lost);
                }

                break;
            default:
                break;
        }

        return result;
    }

    /// <summary>Takes what waits for the map at one of <see cref="HeldInitiations.Places"/> places, to be handled again by <see cref="Handle"/> at once.</summary>
    public bool TryTakeHeld(int place, long now, out ReadOnlySpan<byte> datagram, out PathAddress source, out long since) =>
        _held.TryTake(place, now, out datagram, out source, out since);

    /// <summary>What names a sender to cookies and to the rate limit: address and port, or over a stream the device.</summary>
    private static ReadOnlySpan<byte> SourceKey(in PathAddress source, Span<byte> key)
    {
        if (source.Transport != PathTransport.Udp)
        {
            // 17 bytes, since 16 would be taken for an IPv6 address.
            BinaryPrimitives.WriteUInt128BigEndian(key, source.Device);
            key[16] = (byte)source.Transport;
            return key[..17];
        }

        source.Endpoint.WriteAddress(key);
        BinaryPrimitives.WriteUInt16BigEndian(key[16..], source.Endpoint.Port);
        return source.Endpoint.IsIPv4 ? key[12..] : key;
    }

    private void AddTargets(PeerTunnel tunnel, long now)
    {
        tunnel.TakeOffers(output, now);
        tunnel.Repeater.ClearTargets();
        foreach (PeerPath path in tunnel.Paths.All)
        {
            if (path.IsOpen && tunnel.Paths.Allows(path.Address.Transport))
            {
                tunnel.Repeater.AddTarget(path.Address, path.IsShown);
            }
        }
    }

    private bool HeardLately(PeerTunnel tunnel, long now) =>
        tunnel.LastHeardAt is { } heard && time.GetElapsedTime(heard, now) < HandshakeClock.Keepalive + HandshakeClock.RekeyTimeout;

    private void SendToTargets(PeerTunnel tunnel)
    {
        foreach ((PathAddress target, bool shown) in tunnel.Repeater.Targets)
        {
            // A candidate of a family or network that this machine does not have is tried and not counted: no packet is lost by it.
            if (shown || target.Transport != PathTransport.Udp || strangers.TryTake(target.Endpoint))
            {
                output.SendDatagram(tunnel.Repeater.Initiation, target);
            }
        }
    }
}
