using TunnelMesh.Node.Sessions;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Node.DataPlane;

/// <summary>
/// A packet leaves this machine. On the engine's thread; nothing here allocates unless the packet has to wait.
/// <code>
/// 1 parse      not a whole packet                 -> drop Malformed
/// 2 route      nobody carries the destination     -> drop NoRoute, answer net unreachable
/// 3 seal       in place, and send                 -> done
/// 4 wait       no session yet: a bounded queue and a handshake
///              no address to try at all           -> drop Unreachable, answer host unreachable
/// </code>
/// </summary>
internal sealed class OutboundPipeline(TunnelSender sender, HandshakeDriver handshakes, UnreachableReporter unreachable, DataPlaneCounters counters)
{
    /// <summary>Who carries which prefix; swapped whole by the engine.</summary>
    public RouteTable<PeerTunnel> Routes { get; set; } = new([]);

    /// <summary>Handles one packet.</summary>
    /// <param name="frame">The packet at offset 16, with room for padding and tag behind it; its content is destroyed.</param>
    /// <param name="length">Packet length in bytes.</param>
    /// <param name="now">Timestamp.</param>
    /// <returns>A tunnel whose timers have to be looked at because a handshake may have begun; else null.</returns>
    public PeerTunnel? Handle(Span<byte> frame, int length, long now)
    {
        Span<byte> bytes = frame.Slice(WireGuardMessage.TransportHeaderSize, length);
        if (!IpPacket.TryParse(bytes, out IpPacket packet))
        {
            counters.Drop(DropReason.Malformed);
            return null;
        }

        if (Routes.Find(packet.Destination) is not { } tunnel)
        {
            counters.Drop(DropReason.NoRoute);
            unreachable.Report(packet, IcmpUnreachableKind.Network);
            return null;
        }

        if (sender.TrySendPacket(tunnel, frame, packet.TotalLength, now))
        {
            return null;
        }

        if (!HandshakeDriver.HasTarget(tunnel))
        {
            counters.Drop(DropReason.Unreachable);
            unreachable.Report(packet, IcmpUnreachableKind.Host);
            return null;
        }

        if (tunnel.Waiting.Enqueue(packet.Bytes, now) is > 0 and var lost)
        {
            counters.Drop(DropReason.QueueFull, lost);
        }

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
}
