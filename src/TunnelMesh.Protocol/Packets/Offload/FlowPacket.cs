using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Packets.Offload;

/// <summary>
/// A TCP or UDP packet as the coalescer sees it: without IPv4 options, IPv6 extension headers or fragmentation, and exactly as
/// long as its headers say. A view of the caller's bytes.
/// </summary>
internal readonly ref struct FlowPacket
{
    public const int TcpHeader = 20, UdpHeader = 8;
    private const byte Psh = 0x08, Ack = 0x10;

    private FlowPacket(ReadOnlySpan<byte> bytes, bool v4, bool tcp, int headers)
    {
        Bytes = bytes;
        IsV4 = v4;
        IsTcp = tcp;
        HeaderLength = headers;
    }

    public ReadOnlySpan<byte> Bytes { get; }

    public bool IsV4 { get; }

    public bool IsTcp { get; }

    /// <summary>IP and transport header together.</summary>
    public int HeaderLength { get; }

    public int TransportOffset => IsV4 ? IpPacket.MinHeaderV4 : IpPacket.HeaderV6;

    public int PayloadLength => Bytes.Length - HeaderLength;

    public byte TcpFlags => Bytes[TransportOffset + 13];

    public bool IsPush => IsTcp && (TcpFlags & Psh) != 0;

    public uint Sequence => BinaryPrimitives.ReadUInt32BigEndian(Bytes[(TransportOffset + 4)..]);

    public ushort Identification => BinaryPrimitives.ReadUInt16BigEndian(Bytes[4..]);

    public bool DontFragment => (Bytes[6] & 0x40) != 0;

    private int AddressOffset => IsV4 ? 12 : 8;

    private byte Protocol => IsTcp ? IpProtocol.Tcp : IpProtocol.Udp;

    private ReadOnlySpan<byte> Addresses => IsV4 ? Bytes[12..20] : Bytes[8..40];

    // As they lie there; only compared.
    private uint Ports => BinaryPrimitives.ReadUInt32LittleEndian(Bytes[TransportOffset..]);

    /// <summary>The view of a packet that was parsed before, whose headers are unchanged.</summary>
    public static FlowPacket Known(ReadOnlySpan<byte> bytes, bool v4, bool tcp, int headers) => new(bytes, v4, tcp, headers);

    /// <summary>False for everything that is not such a packet.</summary>
    public static bool TryParse(ReadOnlySpan<byte> data, out FlowPacket packet)
    {
        packet = default;
        if (data.Length < IpPacket.MinHeaderV4 + UdpHeader)
        {
            return false;
        }

        bool v4 = data[0] == 0x45;
        byte protocol;
        int offset;
        if (v4)
        {
            // Neither fragments nor the reserved flag.
            if (BinaryPrimitives.ReadUInt16BigEndian(data[2..]) != data.Length || (BinaryPrimitives.ReadUInt16BigEndian(data[6..]) & 0xBFFF) != 0)
            {
                return false;
            }

            (protocol, offset) = (data[9], IpPacket.MinHeaderV4);
        }
        else if (data[0] >> 4 == 6 && data.Length >= IpPacket.HeaderV6 + UdpHeader)
        {
            if (IpPacket.HeaderV6 + BinaryPrimitives.ReadUInt16BigEndian(data[4..]) != data.Length)
            {
                return false;
            }

            (protocol, offset) = (data[6], IpPacket.HeaderV6);
        }
        else
        {
            return false;
        }

        ReadOnlySpan<byte> transport = data[offset..];
        int header = UdpHeader;
        if (protocol == IpProtocol.Tcp)
        {
            if (transport.Length < TcpHeader)
            {
                return false;
            }

            header = (transport[12] >> 4) * 4;
            if (header < TcpHeader || header > transport.Length)
            {
                return false;
            }
        }
        else if (protocol != IpProtocol.Udp || BinaryPrimitives.ReadUInt16BigEndian(transport[4..]) != transport.Length)
        {
            return false;
        }

        packet = new FlowPacket(data, v4, protocol == IpProtocol.Tcp, offset + header);
        return true;
    }

    /// <summary>Same version, protocol, addresses and ports.</summary>
    public bool IsSameFlow(in FlowPacket other) =>
        IsV4 == other.IsV4 && IsTcp == other.IsTcp && Ports == other.Ports
        && (IsV4 ? BinaryPrimitives.ReadUInt64LittleEndian(Addresses) == BinaryPrimitives.ReadUInt64LittleEndian(other.Addresses) : Addresses.SequenceEqual(other.Addresses));

    /// <summary>True when this packet may be part of a group at all: payload, plain flags, right checksums.</summary>
    public bool IsJoinable()
    {
        if (PayloadLength == 0)
        {
            return false;
        }

        ReadOnlySpan<byte> transport = Bytes[TransportOffset..];
        if (IsTcp)
        {
            if ((TcpFlags & ~Psh) != Ack || (transport[12] & 0x0F) != 0)
            {
                return false;
            }
        }
        else if (BinaryPrimitives.ReadUInt16BigEndian(transport[6..]) == 0)
        {
            return false;
        }

        // The pseudo-header's addresses lie right before the transport header, which has no options or extensions before it.
        // Joined packets get new checksums, which would make a damaged one look sound.
        return (!IsV4 || InternetChecksum.Compute(Bytes[..IpPacket.MinHeaderV4]) == 0)
            && InternetChecksum.Finish(InternetChecksum.Add(Bytes[AddressOffset..]) + Protocol + (uint)transport.Length) == 0;
    }

    /// <summary>True when this packet's headers are those of a group's first packet, the fields that count apart.</summary>
    /// <param name="first">The group's first packet, of the same flow.</param>
    /// <param name="index">This packet's place in the group.</param>
    public bool Continues(in FlowPacket first, int index)
    {
        if (HeaderLength != first.HeaderLength)
        {
            return false;
        }

        if (IsV4)
        {
            // TOS, flags, TTL. Where fragmenting is forbidden the identification has no meaning (RFC 6864 section 4.1).
            if (Bytes[1] != first.Bytes[1] || Bytes[6] != first.Bytes[6] || Bytes[8] != first.Bytes[8]
                || (!DontFragment && Identification != (ushort)(first.Identification + index)))
            {
                return false;
            }
        }
        else if (!Bytes[..4].SequenceEqual(first.Bytes[..4]) || Bytes[7] != first.Bytes[7])
        {
            return false;
        }

        if (!IsTcp)
        {
            return true;
        }

        // Acknowledgement, data offset and window, without the flags in between; urgent pointer and options.
        ReadOnlySpan<byte> mine = Bytes[TransportOffset..HeaderLength], its = first.Bytes[first.TransportOffset..first.HeaderLength];
        ulong different = BinaryPrimitives.ReadUInt64BigEndian(mine[8..]) ^ BinaryPrimitives.ReadUInt64BigEndian(its[8..]);
        return (different & 0xFFFFFFFF_FF00FFFF) == 0 && mine[18..].SequenceEqual(its[18..]);
    }

    /// <summary>The pseudo-header's sum for a transport length.</summary>
    public ulong PseudoHeader(int length)
    {
        ReadOnlySpan<byte> addresses = Addresses;
        int half = addresses.Length / 2;
        return InternetChecksum.AddPseudoHeader(addresses[..half], addresses[half..], Protocol, length);
    }
}
