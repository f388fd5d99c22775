using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Packets.Offload;

/// <summary>
/// Joins packets of one flow that follow each other into super-packets, as a network card's receive offload does, so that the
/// system handles many as one. Payloads are not copied. The order within a flow is kept; flows may overtake each other
/// within a batch.
/// </summary>
/// <remarks>
/// <para>
/// TCP is joined when addresses, ports, acknowledgement, window, options, TOS or traffic class, flow label, TTL and DF agree,
/// the sequence continues, no flag but ACK and PSH is set and all payloads have the length of the first; a shorter one or PSH
/// ends the group. UDP alike, with datagrams of equal length. IPv4 identifications count up, or DF is set, in which case they
/// carry no meaning (RFC 6864 section 4.1) and become consecutive. Whatever has a wrong checksum is passed on unchanged.
/// </para>
/// <para>One thread. Everything is allocated at the start; nothing a packet.</para>
/// </remarks>
public sealed class PacketCoalescer
{
    /// <summary>Most packets in a group of TCP: a device's writev has to take the slices.</summary>
    public const int MaxTcpSegments = 128;

    /// <summary>Most packets in a group of UDP: what Linux cuts again at once (UDP_MAX_SEGMENTS before kernel 6.9).</summary>
    public const int MaxUdpSegments = 64;

    private const int MaxHeaders = IpPacket.HeaderV6 + 60;
    private const byte Psh = 0x08;

    private readonly Group[] _groups;
    private readonly bool _tcp;
    private readonly bool _udp;
    private int _open;

    /// <summary>Makes a coalescer.</summary>
    /// <param name="options">What may be joined.</param>
    public PacketCoalescer(CoalescerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxGroups, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.MaxGroups, 64);
        (_tcp, _udp) = (options.Tcp, options.Udp);
        _groups = new Group[options.MaxGroups];
        for (int i = 0; i < _groups.Length; i++)
        {
            _groups[i] = new Group();
        }
    }

    /// <summary>Takes the next packet, and writes what has to go now.</summary>
    /// <typeparam name="TSink">The sink's type; a struct is called without indirection.</typeparam>
    /// <param name="buffer">The receive buffer: the same, and its packets unchanged, until <see cref="Flush"/>.</param>
    /// <param name="slice">The packet in it, exactly as long as its IP header says; otherwise it is passed on alone.</param>
    /// <param name="sink">Where to.</param>
    public void Add<TSink>(ReadOnlySpan<byte> buffer, PacketSlice slice, ref TSink sink)
        where TSink : IPacketSink, allows ref struct
    {
        ReadOnlySpan<byte> bytes = buffer.Slice(slice.Offset, slice.Length);
        if (!FlowPacket.TryParse(bytes, out FlowPacket packet))
        {
            Flush(buffer, ref sink);
            sink.WritePacket(bytes);
            return;
        }

        int at = Find(buffer, packet);
        bool joinable = (packet.IsTcp ? _tcp : _udp) && packet.IsJoinable();
        if (at >= 0)
        {
            if (joinable && TryAppend(_groups[at], buffer, slice, packet, out bool complete))
            {
                if (complete)
                {
                    Write(at, buffer, ref sink);
                }

                return;
            }

            Write(at, buffer, ref sink);
        }

        if (!joinable || packet.IsPush)
        {
            sink.WritePacket(bytes);
            return;
        }

        if (_open == _groups.Length)
        {
            Write(0, buffer, ref sink);
        }

        Open(_groups[_open++], slice, packet);
    }

    /// <summary>Writes all open groups, the oldest first; at the end of each batch.</summary>
    /// <typeparam name="TSink">As for <see cref="Add"/>.</typeparam>
    /// <param name="buffer">The buffer of the packets added.</param>
    /// <param name="sink">Where to.</param>
    public void Flush<TSink>(ReadOnlySpan<byte> buffer, ref TSink sink)
        where TSink : IPacketSink, allows ref struct
    {
        int open = _open;
        _open = 0;
        for (int i = 0; i < open; i++)
        {
            Write(_groups[i], buffer, ref sink);
        }
    }

    private static void Open(Group group, PacketSlice slice, in FlowPacket packet)
    {
        (group.First, group.IsV4, group.IsTcp, group.HeaderLength) = (slice, packet.IsV4, packet.IsTcp, packet.HeaderLength);
        group.Count = 1;
        group.SegmentLength = packet.PayloadLength;
        group.TotalLength = slice.Length;
        group.NextSequence = packet.IsTcp ? packet.Sequence + (uint)packet.PayloadLength : 0;
        group.Push = false;
        group.Payload[0] = new PacketSlice(slice.Offset + packet.HeaderLength, packet.PayloadLength);
    }

    private static bool TryAppend(Group group, ReadOnlySpan<byte> buffer, PacketSlice slice, in FlowPacket packet, out bool complete)
    {
        complete = false;
        int length = packet.PayloadLength;
        if (length > group.SegmentLength
            || group.TotalLength + length > ushort.MaxValue
            || (packet.IsTcp && packet.Sequence != group.NextSequence)
            || !packet.Continues(group.Head(buffer), group.Count))
        {
            return false;
        }

        group.Payload[group.Count++] = new PacketSlice(slice.Offset + packet.HeaderLength, length);
        group.TotalLength += length;
        group.NextSequence += (uint)length;
        group.Push = packet.IsPush;
        complete = group.Push || length < group.SegmentLength || group.Count == (packet.IsTcp ? MaxTcpSegments : MaxUdpSegments);
        return true;
    }

    private int Find(ReadOnlySpan<byte> buffer, in FlowPacket packet)
    {
        for (int i = 0; i < _open; i++)
        {
            if (_groups[i].Head(buffer).IsSameFlow(packet))
            {
                return i;
            }
        }

        return -1;
    }

    private void Write<TSink>(int at, ReadOnlySpan<byte> buffer, ref TSink sink)
        where TSink : IPacketSink, allows ref struct
    {
        // The rest moves up, so that the first stays the oldest; the written one is reused behind them.
        Group group = _groups[at];
        _open--;
        Array.Copy(_groups, at + 1, _groups, at, _open - at);
        _groups[_open] = group;
        Write(group, buffer, ref sink);
    }

    private static void Write<TSink>(Group group, ReadOnlySpan<byte> buffer, ref TSink sink)
        where TSink : IPacketSink, allows ref struct
    {
        FlowPacket first = group.Head(buffer);
        if (group.Count == 1)
        {
            sink.WritePacket(first.Bytes);
            return;
        }

        int transport = first.TransportOffset, upper = group.TotalLength - transport;
        Span<byte> head = stackalloc byte[MaxHeaders];
        head = head[..first.HeaderLength];
        first.Bytes[..first.HeaderLength].CopyTo(head);
        if (first.IsV4)
        {
            BinaryPrimitives.WriteUInt16BigEndian(head[2..], (ushort)group.TotalLength);
            BinaryPrimitives.WriteUInt16BigEndian(head[10..], 0);
            BinaryPrimitives.WriteUInt16BigEndian(head[10..], InternetChecksum.Compute(head[..transport]));
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(head[4..], (ushort)upper);
        }

        int field;
        if (first.IsTcp)
        {
            field = 16;
            head[transport + 13] |= group.Push ? Psh : (byte)0;
        }
        else
        {
            field = 6;
            BinaryPrimitives.WriteUInt16BigEndian(head[(transport + 4)..], (ushort)upper);
        }

        // Not complemented: the system or the card adds the rest and complements.
        BinaryPrimitives.WriteUInt16BigEndian(head[(transport + field)..], InternetChecksum.Fold(first.PseudoHeader(upper)));
        var header = new VirtioNetHeader(
            VirtioNetHeader.NeedsChecksum,
            first.IsTcp ? (first.IsV4 ? VirtioNetHeader.GsoTcpV4 : VirtioNetHeader.GsoTcpV6) : VirtioNetHeader.GsoUdp,
            (ushort)first.HeaderLength,
            (ushort)group.SegmentLength,
            (ushort)transport,
            (ushort)field);
        sink.WriteGroup(header, head, buffer, group.Payload.AsSpan(0, group.Count));
    }

    private sealed class Group
    {
        public readonly PacketSlice[] Payload = new PacketSlice[MaxTcpSegments];

        /// <summary>The first packet, headers included: its headers stand for the group's.</summary>
        public PacketSlice First;
        public bool IsV4;
        public bool IsTcp;
        public int HeaderLength;
        public int Count;

        /// <summary>Payload of every packet but the last.</summary>
        public int SegmentLength;

        /// <summary>IP packet length of the whole.</summary>
        public int TotalLength;
        public uint NextSequence;
        public bool Push;

        public FlowPacket Head(ReadOnlySpan<byte> buffer) => FlowPacket.Known(buffer.Slice(First.Offset, First.Length), IsV4, IsTcp, HeaderLength);
    }
}
