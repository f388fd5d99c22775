using System.Buffers.Binary;
using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Sessions;
using TunnelMesh.Protocol.Framing;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Protocol.Packets.Offload;

namespace TunnelMesh.Node.DataPlane;

/// <summary>
/// What a lane itself has to send inside a session, beside the packets that <see cref="OutboundBatch"/> gathers: what waited, keepalives, probes.
/// Seal in place, send, note it for the timers. On the lane's thread.
/// </summary>
internal sealed class TunnelSender(Action<Span<byte>> random, ITunnelOutput output, OutboundBatch batch, DataPlaneCounters counters, int mtu)
{
    private readonly byte[] _scratch = new byte[((Math.Max(mtu, ushort.MaxValue) + 15) & ~15) + WireGuardMessage.TransportOverhead];

    /// <summary>Sends what waited for the session, oldest first.</summary>
    public void Flush(PeerTunnel tunnel, long now)
    {
        while (CanSend(tunnel, now) && tunnel.TryTakeWaiting(long.MaxValue, out byte[]? packet))
        {
            if (SegmentSplitter.TryParse(default, packet, out SegmentSplitter single))
            {
                batch.Add(tunnel, single, tunnel.Paths.Route.Mtu, now);
            }
        }

        batch.Send();
    }

    /// <summary>Sends an empty packet.</summary>
    public void SendKeepalive(PeerTunnel tunnel, long now)
    {
        if (CanSend(tunnel, now) && TrySeal(tunnel, _scratch, 0, 0, now, out int size))
        {
            PathRoute route = tunnel.Paths.Route;
            Send(_scratch.AsSpan(0, size), route.First);
            if (!route.Second.IsNone)
            {
                Send(_scratch.AsSpan(0, size), route.Second);
            }
        }

        // Noted in any case: without an endpoint it would be due again at once.
        tunnel.Session.NoteSent(now, isData: false);
    }

    /// <summary>Probes a path.</summary>
    /// <param name="tunnel">To whom.</param>
    /// <param name="path">Over which path.</param>
    /// <param name="size">Bytes of the inner packet that it stands for; at most the MTU.</param>
    /// <param name="now">Timestamp.</param>
    /// <returns>The challenge; null when there are no keys.</returns>
    public ulong? SendProbe(PeerTunnel tunnel, in PathAddress path, int size, long now)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        random(bytes);
        ulong challenge = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        PathProbe.WriteProbe(_scratch.AsSpan(WireGuardMessage.TransportHeaderSize, size), challenge);
        return SendControl(tunnel, _scratch, size, path, now) ? challenge : null;
    }

    /// <summary>Sends peer-to-peer control, which is no data to the timers.</summary>
    /// <param name="tunnel">To whom.</param>
    /// <param name="frame">The message at offset 16 with room for a tag of 16 behind it; sealed in place.</param>
    /// <param name="length">Length of the plaintext in bytes.</param>
    /// <param name="path">Over which path.</param>
    /// <param name="now">Timestamp.</param>
    /// <returns>False when there are no keys.</returns>
    public bool SendControl(PeerTunnel tunnel, Span<byte> frame, int length, in PathAddress path, long now)
    {
        // Unpadded: an echo is as long as its probe, and the datagram it is made in has no room for more when the other end's MTU
        // is no multiple of 16.
        if (!TrySeal(tunnel, frame, length, length, now, out int size))
        {
            return false;
        }

        // A path that is only tried may lead nowhere: no packet is lost by it.
        output.SendDatagram(frame[..size], path);
        tunnel.Session.NoteSent(now, isData: false);
        return true;
    }

    /// <summary>True when a packet would be sent now rather than wait.</summary>
    public static bool CanSend(PeerTunnel tunnel, long now) =>
        !tunnel.Paths.Route.First.IsNone && HasKeys(tunnel, now);

    /// <summary>True when there are keys to seal with now.</summary>
    public static bool HasKeys(PeerTunnel tunnel, long now) => tunnel.Session.SendKeypair is { } keys && keys.IsAlive(now);

    private static bool TrySeal(PeerTunnel tunnel, Span<byte> frame, int length, int padded, long now, out int size)
    {
        size = 0;
        return tunnel.Session.SendKeypair is { } keys && keys.IsAlive(now) && (size = keys.Seal(frame, length, padded, now)) > 0;
    }

    private void Send(ReadOnlySpan<byte> datagram, in PathAddress path)
    {
        if (!output.SendDatagram(datagram, path))
        {
            counters.Drop(DropReason.SendFailed);
        }
    }
}
