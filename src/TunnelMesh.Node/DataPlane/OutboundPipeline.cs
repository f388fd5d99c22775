using TunnelMesh.Node.Sessions;
using TunnelMesh.Protocol.Packets;
using TunnelMesh.Protocol.Packets.Offload;

namespace TunnelMesh.Node.DataPlane;

/// <summary>
/// A packet leaves this machine. On the engine's thread; nothing here allocates unless the packet has to wait.
/// <code>
/// 1 parse      not a whole packet                 -> drop Malformed
/// 2 route      nobody carries the destination     -> drop NoRoute, answer net unreachable
/// 3 batch      cut, sealed and sent together      -> done
/// 4 wait       no session yet: a bounded queue and a handshake
///              no address to try at all           -> drop Unreachable, answer host unreachable
/// </code>
/// </summary>
internal sealed class OutboundPipeline(TunnelSender sender, HandshakeDriver handshakes, UnreachableReporter unreachable, DataPlaneCounters counters)
{
    private readonly byte[] _segment = new byte[ushort.MaxValue];

    /// <summary>Who carries which prefix; swapped whole by the engine.</summary>
    public RouteTable<PeerTunnel> Routes { get; set; } = new([]);

    /// <summary>Handles one packet, or a super-packet; what can go waits in the sender's batch.</summary>
    /// <param name="header">What the device said about it.</param>
    /// <param name="data">The packet; free again on return.</param>
    /// <param name="now">Timestamp.</param>
    /// <returns>A tunnel whose timers have to be looked at because a handshake may have begun; else null.</returns>
    public PeerTunnel? Handle(in VirtioNetHeader header, ReadOnlySpan<byte> data, long now)
    {
        if (!IpPacket.TryParse(data, out IpPacket packet) || !SegmentSplitter.TryParse(header, packet.Bytes, out SegmentSplitter segments))
        {
            counters.Drop(DropReason.Malformed);
            return null;
        }

        if (Routes.Find(packet.Destination) is not { } tunnel)
        {
            counters.Drop(DropReason.NoRoute, segments.Count);
            unreachable.Report(packet, IcmpUnreachableKind.Network);
            return null;
        }

        if (sender.TryAdd(tunnel, segments, now))
        {
            return null;
        }

        if (!HandshakeDriver.HasTarget(tunnel))
        {
            counters.Drop(DropReason.Unreachable, segments.Count);
            unreachable.Report(packet, IcmpUnreachableKind.Host);
            return null;
        }

        Hold(tunnel, segments, now);
        handshakes.Begin(tunnel, now);
        return tunnel;
    }

    /// <summary>Gives up packets that waited for a session since before a timestamp.</summary>
    public void Refuse(PeerTunnel tunnel, long before)
    {
        while (tunnel.Waiting.TryDequeueOlder(before, out byte[]? packet))
        {
            counters.Drop(DropReason.Unreachable);
            unreachable.Report(packet, IcmpUnreachableKind.Host);
        }
    }

    private void Hold(PeerTunnel tunnel, in SegmentSplitter segments, long now)
    {
        for (int i = 0; i < segments.Count; i++)
        {
            if (segments.Split(i, _segment.AsSpan(0, segments.SegmentLength), segments.SegmentLength, 0) == 1
                && tunnel.Waiting.Enqueue(_segment.AsSpan(0, segments.LengthOf(i)), now) is > 0 and var lost)
            {
                counters.Drop(DropReason.QueueFull, lost);
            }
        }
    }
}
