using TunnelMesh.Node.Filter;
using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Sessions;
using TunnelMesh.Protocol.Framing;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Protocol.Packets;
using TunnelMesh.Protocol.Packets.Offload;

namespace TunnelMesh.Node.DataPlane;

/// <summary>
/// Packets of one tunnel on their way out, each in its datagram's place, one datagram behind the other: sealed together, and sent
/// as trains of equal datagrams. One thread a batch. Allocates nothing after construction.
/// </summary>
/// <param name="output">Where datagrams go.</param>
/// <param name="counters">The lane's.</param>
/// <param name="mtu">Of the TUN device, in bytes.</param>
/// <param name="filter">The device's, or null for none.</param>
internal sealed class OutboundBatch(ITunnelOutput output, DataPlaneCounters counters, int mtu, PacketFilter? filter)
{
    // A super-packet has 64 KiB of payload, and each of its segments headers and tag of its own.
    private const int Capacity = 128 * 1024;
    private const int MaxPackets = 128;

    private readonly OutboundGate? _gate = filter is null ? null : new OutboundGate(filter);
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(Capacity, pinned: true);
    private readonly AeadPacket[] _packets = new AeadPacket[MaxPackets];
    private PeerTunnel? _tunnel;
    private int _filled, _count, _bytes;
    private long _since;
    private ushort _fragmented;

    /// <summary>Shows a packet or super-packet to the packet filter, which has noted it before anything is sent.</summary>
    /// <param name="tunnel">To whom.</param>
    /// <param name="packet">The packet.</param>
    /// <param name="now">Timestamp.</param>
    public void Note(PeerTunnel tunnel, in IpPacket packet, long now) => _gate?.Note(tunnel.Filter!, packet, now);

    /// <summary>Has the packet filter note all that it was shown, where packets leave by another way than this.</summary>
    public void Settle() => _gate?.Settle();

    /// <summary>Takes packets for a tunnel that has keys and a path; whatever has no room any more is sent first.</summary>
    /// <param name="tunnel">To whom.</param>
    /// <param name="packets">The packets.</param>
    /// <param name="limit">The largest packet in bytes that its path carries; connections that begin are told.</param>
    /// <param name="now">Timestamp.</param>
    public void Add(PeerTunnel tunnel, in SegmentSplitter packets, int limit, long now)
    {
        Turn(tunnel, now);

        int stride = WireGuardMessage.Padded(packets.SegmentLength, mtu) + WireGuardMessage.TransportOverhead;
        for (int next = 0; next < packets.Count;)
        {
            int room = Math.Min(MaxPackets - _count, (Capacity - _filled) / stride);
            if (room == 0)
            {
                Send();
                (_tunnel, _since) = (tunnel, now);
                continue;
            }

            int taken = packets.Split(next, _buffer.AsSpan(_filled, room * stride), stride, WireGuardMessage.TransportHeaderSize);
            for (int i = next; i < next + taken; i++)
            {
                int length = packets.LengthOf(i), padded = WireGuardMessage.Padded(length, mtu), offset = _filled + WireGuardMessage.TransportHeaderSize;
                _buffer.AsSpan(offset + length, padded - length).Clear();
                if (limit < mtu)
                {
                    TcpMss.TryClamp(_buffer.AsSpan(offset, length), limit);
                }

                _packets[_count++] = new AeadPacket(offset, padded, 0);
                _filled += padded + WireGuardMessage.TransportOverhead;
                _bytes += length;
            }

            next += taken;
        }
    }

    /// <summary>Takes a packet that is larger than the path carries, in parts.</summary>
    /// <param name="tunnel">To whom.</param>
    /// <param name="packet">The whole packet; copied.</param>
    /// <param name="limit">The largest part, with its header.</param>
    /// <param name="now">Timestamp.</param>
    public void AddInParts(PeerTunnel tunnel, ReadOnlySpan<byte> packet, int limit, long now)
    {
        _fragmented++;
        for (int at = 0, part = limit - PathFragment.HeaderSize; at < packet.Length; at += part)
        {
            if (_count == MaxPackets || Capacity - _filled < limit + WireGuardMessage.TransportOverhead)
            {
                Send();
            }

            Turn(tunnel, now);
            int offset = _filled + WireGuardMessage.TransportHeaderSize;
            int length = PathFragment.Write(_buffer.AsSpan(offset), _fragmented, packet, at, Math.Min(part, packet.Length - at));
            _packets[_count++] = new AeadPacket(offset, length, 0);
            _filled += length + WireGuardMessage.TransportOverhead;
        }

        _bytes += packet.Length;
    }

    /// <summary>Seals and sends what is there.</summary>
    public void Send()
    {
        _gate?.Settle();
        if (_tunnel is not { } tunnel)
        {
            return;
        }

        if (tunnel.Session.SendKeypair is { } keys && keys.SealBatch(_buffer, _packets.AsSpan(0, _count), _since))
        {
            counters.Sealed(_count);
            PathRoute route = tunnel.Paths.Route;
            SendTrains(route.First);
            if (!route.Second.IsNone)
            {
                SendTrains(route.Second);
            }

            tunnel.Session.NoteSent(_since, isData: true);
            tunnel.NoteSentData(_bytes, _since);
        }
        else
        {
            counters.Drop(DropReason.SendFailed, _count);
        }

        (_tunnel, _filled, _count, _bytes) = (null, 0, 0, 0);
    }

    private void Turn(PeerTunnel tunnel, long now)
    {
        if (!ReferenceEquals(tunnel, _tunnel))
        {
            Send();
            (_tunnel, _since) = (tunnel, now);
        }
    }

    private static int SizeOf(in AeadPacket packet) => packet.Length + WireGuardMessage.TransportOverhead;

    private void SendTrains(in PathAddress destination)
    {
        for (int first = 0; first < _count;)
        {
            int size = SizeOf(_packets[first]), start = _packets[first].Offset - WireGuardMessage.TransportHeaderSize, length = size, next = first + 1;
            while (next < _count && SizeOf(_packets[next]) == size)
            {
                length += size;
                next++;
            }

            // A shorter one may end a train.
            if (next < _count && SizeOf(_packets[next]) < size)
            {
                length += SizeOf(_packets[next++]);
            }

            ReadOnlySpan<byte> datagrams = _buffer.AsSpan(start, length);
            int refused = next > first + 1 ? output.SendDatagrams(datagrams, size, destination) : output.SendDatagram(datagrams, destination) ? 0 : 1;
            if (refused > 0)
            {
                counters.Drop(DropReason.SendFailed, refused);
            }

            first = next;
        }
    }
}
