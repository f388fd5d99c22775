using TunnelMesh.Node.Sessions;
using TunnelMesh.Protocol.Framing;
using TunnelMesh.Protocol.Packets;
using TunnelMesh.Protocol.Packets.Offload;

namespace TunnelMesh.Node.DataPlane;

/// <summary>
/// A packet leaves this machine. One thread a pipeline, its lane's or the one that only sends; nothing here allocates unless the packet has to wait.
/// <code>
/// 1 parse      not a whole packet                 -> drop Malformed
/// 2 route      nobody carries the destination     -> drop NoRoute, answer net unreachable
/// 3 note       for the packet filter, once a super-packet: what comes back is an answer
/// 4 batch      cut, sealed and sent together      -> done
///              larger than the path carries       -> drop TooBig, answer too big; what its sender cannot make smaller goes in parts
/// 5 wait       no session yet: a bounded queue and a handshake
///              no address to try at all           -> drop Unreachable, answer host unreachable
/// </code>
/// </summary>
internal sealed class OutboundPipeline(TunnelMembers members, OutboundBatch batch, UnreachableReporter unreachable, DataPlaneCounters counters, IWaitingRoom room)
{
    private const int MinMtuV6 = 1280;
    private const byte DontFragment = 0x40;

    private readonly byte[] _segment = new byte[ushort.MaxValue];

    /// <summary>Handles one packet, or a super-packet; what can go waits in the batch for <see cref="Flush"/>.</summary>
    /// <param name="header">What the device said about it.</param>
    /// <param name="data">The packet; free again on return.</param>
    /// <param name="now">Timestamp.</param>
    public void Handle(in VirtioNetHeader header, ReadOnlySpan<byte> data, long now)
    {
        if (!IpPacket.TryParse(data, out IpPacket packet) || !SegmentSplitter.TryParse(header, packet.Bytes, out SegmentSplitter segments))
        {
            counters.Drop(DropReason.Malformed);
            return;
        }

        if (members.Routes.Find(packet.Destination) is not { } tunnel)
        {
            counters.Drop(DropReason.NoRoute, segments.Count);
            unreachable.Report(packet, IcmpUnreachableKind.Network);
            return;
        }

        if (!members.Exit.IsForwarded(packet))
        {
            batch.Note(tunnel, packet, now);
        }

        if (tunnel.Spec.Exit && !members.Exit.IsMesh(packet.Destination))
        {
            counters.SentOut(segments.Count, packet.TotalLength);
        }

        if (tunnel.TakeDoze())
        {
            room.Resume(tunnel, now);
        }

        if (!tunnel.HasBacklog && TunnelSender.CanSend(tunnel, now))
        {
            int limit = tunnel.Paths.Route.Mtu;
            if (segments.SegmentLength <= limit)
            {
                batch.Add(tunnel, segments, limit, now);
            }
            else
            {
                HandleTooBig(tunnel, packet, segments, limit, now);
            }

            return;
        }

        if (!HandshakeDriver.HasTarget(tunnel))
        {
            counters.Drop(DropReason.Unreachable, segments.Count);
            unreachable.Report(packet, IcmpUnreachableKind.Host);
            return;
        }

        // It may be another lane that sends them.
        batch.Settle();
        for (int i = 0; i < segments.Count; i++)
        {
            if (segments.Split(i, _segment.AsSpan(0, segments.SegmentLength), segments.SegmentLength, 0) == 1)
            {
                room.Hold(tunnel, _segment.AsSpan(0, segments.LengthOf(i)), now);
            }
        }

        room.Settle(tunnel, now);
    }

    // A sender of IPv6 need not go below 1280 bytes (RFC 8200, section 5), nor one of IPv4 that leaves fragmentation to the network.
    private void HandleTooBig(PeerTunnel tunnel, IpPacket packet, in SegmentSplitter segments, int limit, long now)
    {
        int least = packet.Version == 4 ? limit : Math.Max(limit, MinMtuV6);
        bool smaller = packet.Version == 4 ? (packet.Bytes[6] & DontFragment) != 0 : segments.SegmentLength > MinMtuV6;
        if (smaller || segments.SegmentLength > FragmentAssembler.MaxParts * (limit - PathFragment.HeaderSize))
        {
            counters.Drop(DropReason.TooBig, segments.Count);
            unreachable.Report(packet, IcmpUnreachableKind.TooBig, least);
            return;
        }

        for (int i = 0; i < segments.Count; i++)
        {
            if (segments.Split(i, _segment.AsSpan(0, segments.SegmentLength), segments.SegmentLength, 0) == 1)
            {
                batch.AddInParts(tunnel, _segment.AsSpan(0, segments.LengthOf(i)), limit, now);
            }
        }
    }

    /// <summary>Seals and sends what was gathered.</summary>
    public void Flush() => batch.Send();
}
