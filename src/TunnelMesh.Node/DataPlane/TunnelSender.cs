using System.Buffers.Binary;
using TunnelMesh.Node.Sessions;
using TunnelMesh.Platform.Sockets;
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
                batch.Add(tunnel, single, now);
            }
        }

        batch.Send();
    }

    /// <summary>Sends an empty packet.</summary>
    public void SendKeepalive(PeerTunnel tunnel, long now)
    {
        if (TrySeal(tunnel, _scratch, 0, 0, now, out int size))
        {
            Send(_scratch.AsSpan(0, size), tunnel.Endpoints.Current);
        }

        // Noted in any case: without an endpoint it would be due again at once.
        tunnel.Session.NoteSent(now, isData: false);
    }

    /// <summary>Probes the way to an endpoint at the size of a full packet.</summary>
    /// <returns>The challenge; null when there are no keys.</returns>
    public ulong? SendProbe(PeerTunnel tunnel, in UdpEndpoint endpoint, long now)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        random(bytes);
        ulong challenge = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        PathProbe.WriteProbe(_scratch.AsSpan(WireGuardMessage.TransportHeaderSize, mtu), challenge);
        return SendControl(tunnel, _scratch, mtu, endpoint, now) ? challenge : null;
    }

    /// <summary>Sends peer-to-peer control, which is no data to the timers.</summary>
    /// <param name="tunnel">To whom.</param>
    /// <param name="frame">The message at offset 16 with room for a tag of 16 behind it; sealed in place.</param>
    /// <param name="length">Length of the plaintext in bytes.</param>
    /// <param name="endpoint">Over which address.</param>
    /// <param name="now">Timestamp.</param>
    /// <returns>False when there are no keys.</returns>
    public bool SendControl(PeerTunnel tunnel, Span<byte> frame, int length, in UdpEndpoint endpoint, long now)
    {
        // Unpadded: an echo is as long as its probe, and the datagram it is made in has no room for more when the other end's MTU
        // is no multiple of 16.
        if (!TrySeal(tunnel, frame, length, length, now, out int size))
        {
            return false;
        }

        Send(frame[..size], endpoint);
        tunnel.Session.NoteSent(now, isData: false);
        return true;
    }

    /// <summary>True when a packet would be sent now rather than wait.</summary>
    public static bool CanSend(PeerTunnel tunnel, long now) =>
        !tunnel.Endpoints.Current.IsNone && tunnel.Session.SendKeypair is { } keys && keys.IsAlive(now);

    private static bool TrySeal(PeerTunnel tunnel, Span<byte> frame, int length, int padded, long now, out int size)
    {
        size = 0;
        return CanSend(tunnel, now) && tunnel.Session.SendKeypair is { } keys && (size = keys.Seal(frame, length, padded, now)) > 0;
    }

    private void Send(ReadOnlySpan<byte> datagram, in UdpEndpoint endpoint)
    {
        if (!output.SendDatagram(datagram, endpoint))
        {
            counters.Drop(DropReason.SendFailed);
        }
    }
}
