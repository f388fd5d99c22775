using System.Buffers.Binary;
using TunnelMesh.Node.Sessions;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Framing;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Node.DataPlane;

/// <summary>
/// A sealed packet comes in. On the engine's thread; nothing here allocates. Nothing but counters changes before a datagram
/// has authenticated.
/// <code>
/// 1 session    by receiver index                       -> drop NoSession
/// 2 open       in place                                -> drop Forged, Replayed, NoSession (too old)
/// 3 note       for the timers and for the endpoint: roaming, contests
/// 4 control    probes are echoed over the path they came, echoes measured
/// 5 source     must be routed to this very peer        -> drop BadSource
/// 6 target     must be an address of this device       -> drop BadDestination
/// 7 write      to the TUN                              -> drop TunFailed
/// </code>
/// </summary>
internal sealed class InboundPipeline(
    WireGuardDevice device, TunnelSender sender, InsideAddresses own, ITunnelOutput output, DataPlaneCounters counters)
{
    /// <summary>Who may send from which prefix; swapped whole by the engine.</summary>
    public RouteTable<PeerTunnel> Routes { get; set; } = new([]);

    /// <summary>Handles one transport data message.</summary>
    /// <param name="datagram">The whole datagram, of type 4; opened in place.</param>
    /// <param name="source">Where from.</param>
    /// <param name="now">Timestamp.</param>
    /// <returns>The tunnel whose session this packet confirmed, and whose queue may now go; else null.</returns>
    public PeerTunnel? Handle(Span<byte> datagram, in UdpEndpoint source, long now)
    {
        uint index = BinaryPrimitives.ReadUInt32LittleEndian(datagram[4..]);
        if (!device.TryFindKeypair(index, out TransportKeypair? keys, out WireGuardPeer? session) || session.Tag is not PeerTunnel tunnel)
        {
            counters.Drop(DropReason.NoSession);
            return null;
        }

        OpenResult result = keys.Open(datagram, now, out int length);
        if (result != OpenResult.Opened)
        {
            counters.Drop(result switch
            {
                OpenResult.Replayed => DropReason.Replayed,
                OpenResult.Expired => DropReason.NoSession,
                _ => DropReason.Forged,
            });
            return null;
        }

        Span<byte> plain = datagram.Slice(WireGuardMessage.TransportHeaderSize, length);
        bool control = PathProbe.IsControl(plain);
        bool confirmed = Note(tunnel, keys, source, isData: length > 0 && !control, now);
        if (control)
        {
            HandleControl(tunnel, datagram, length, source, now);
        }
        else if (length > 0)
        {
            Deliver(tunnel, plain, now);
        }

        return confirmed ? tunnel : null;
    }

    private bool Note(PeerTunnel tunnel, TransportKeypair keys, in UdpEndpoint source, bool isData, long now)
    {
        TransportKeypair? before = tunnel.Session.SendKeypair;
        tunnel.Session.NoteReceived(keys, now, isData);
        tunnel.LastHeardAt = now;
        bool confirmed = !ReferenceEquals(before, tunnel.Session.SendKeypair);
        if (confirmed)
        {
            // The peer took our response at this address, and its first packet came from it: both ways are proved.
            tunnel.Endpoints.Settle(source);
        }
        else if (tunnel.Endpoints.NoteAuthenticated(source, tunnel.Spec.Stock, now)
            && sender.SendProbe(tunnel, source, now) is { } challenger
            && sender.SendProbe(tunnel, tunnel.Endpoints.Current, now) is { } incumbent)
        {
            tunnel.Endpoints.BeginContest(source, challenger, incumbent, now);
        }

        return confirmed;
    }

    private void HandleControl(PeerTunnel tunnel, Span<byte> frame, int length, in UdpEndpoint source, long now)
    {
        Span<byte> plain = frame.Slice(WireGuardMessage.TransportHeaderSize, length);
        if (tunnel.Spec.Stock)
        {
            counters.Drop(DropReason.Malformed);
        }
        else if (PathProbe.TryMakeEcho(plain))
        {
            sender.SendControl(tunnel, frame, length, source, now);
        }
        else if (PathProbe.TryReadEcho(plain, out ulong challenge))
        {
            if (tunnel.Meter.NoteEcho(challenge, now) && tunnel.Meter.RoundTrip is { } roundTrip)
            {
                tunnel.NoteRoundTrip(roundTrip);
            }

            tunnel.Endpoints.NoteEcho(challenge, source, now);
        }
        else
        {
            counters.Drop(DropReason.Malformed);
        }
    }

    private void Deliver(PeerTunnel tunnel, ReadOnlySpan<byte> plain, long now)
    {
        if (!IpPacket.TryParse(plain, out IpPacket packet))
        {
            counters.Drop(DropReason.Malformed);
        }
        else if (!ReferenceEquals(Routes.Find(packet.Source), tunnel))
        {
            counters.Drop(DropReason.BadSource);
        }
        else if (!own.Accepts(packet.Destination))
        {
            counters.Drop(DropReason.BadDestination);
        }
        else if (output.WritePacket(packet.Bytes))
        {
            tunnel.NoteReceivedData(packet.TotalLength, now);
        }
        else
        {
            counters.Drop(DropReason.TunFailed);
        }
    }
}
