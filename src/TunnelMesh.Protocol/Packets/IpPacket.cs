using System.Buffers.Binary;

namespace TunnelMesh.Protocol.Packets;

/// <summary>
/// The headers of one IPv4 (RFC 791) or IPv6 (RFC 8200) packet, as a view of the caller's bytes: valid as long as
/// they are, nothing copied or allocated. Header checksums are not verified here: the system that sent or receives
/// the packet does that, and the tunnel protects it in between.
/// </summary>
public readonly ref struct IpPacket
{
    /// <summary>Smallest IPv4 and the fixed IPv6 header, bytes.</summary>
    public const int MinHeaderV4 = 20, HeaderV6 = 40;

    /// <summary>Most extension headers of IPv6 in one packet: each comes once and destination options twice (RFC 8200, section 4.1), which makes seven.</summary>
    public const int MaxExtensionHeaders = 8;

    private IpPacket(ReadOnlySpan<byte> bytes, int version, byte protocol, int transportOffset, bool firstFragment, bool fragmented)
    {
        Bytes = bytes;
        Version = version;
        Protocol = protocol;
        TransportOffset = transportOffset;
        IsFirstFragment = firstFragment;
        IsFragmented = fragmented;
    }

    /// <summary>The packet, exactly as long as its header says: padding behind it is cut off.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>4 or 6.</summary>
    public int Version { get; }

    /// <summary>Length by the header, bytes, headers included; what lies behind it is padding.</summary>
    public int TotalLength => Bytes.Length;

    /// <summary>Upper-layer protocol, behind all IPv6 extension headers (see <see cref="IpProtocol"/>).</summary>
    public byte Protocol { get; }

    /// <summary>Where the upper layer begins, bytes from the packet's start; at most <see cref="TotalLength"/>.</summary>
    public int TransportOffset { get; }

    /// <summary>True of unfragmented packets and of fragments at offset 0: <see cref="Transport"/> begins with a header.</summary>
    public bool IsFirstFragment { get; }

    /// <summary>True of every fragment, the first included.</summary>
    public bool IsFragmented { get; }

    /// <summary>Source address, 4 or 16 bytes in network order.</summary>
    public ReadOnlySpan<byte> Source => Version == 4 ? Bytes.Slice(12, 4) : Bytes.Slice(8, 16);

    /// <summary>Destination address, 4 or 16 bytes in network order.</summary>
    public ReadOnlySpan<byte> Destination => Version == 4 ? Bytes.Slice(16, 4) : Bytes.Slice(24, 16);

    /// <summary>The upper layer's bytes; they may be shorter than its header.</summary>
    public ReadOnlySpan<byte> Transport => Bytes[TransportOffset..];

    /// <summary>Reads the headers.</summary>
    /// <param name="data">A packet, with or without padding behind it; any bytes may be given.</param>
    /// <param name="packet">The view, when the answer is true.</param>
    /// <returns>False when the bytes are not one whole IPv4 or IPv6 packet. Never throws.</returns>
    public static bool TryParse(ReadOnlySpan<byte> data, out IpPacket packet)
    {
        packet = default;
        return !data.IsEmpty && (data[0] >> 4) switch
        {
            4 => TryParseV4(data, out packet),
            6 => TryParseV6(data, out packet),
            _ => false,
        };
    }

    private static bool TryParseV4(ReadOnlySpan<byte> data, out IpPacket packet)
    {
        packet = default;
        if (data.Length < MinHeaderV4)
        {
            return false;
        }
        int header = (data[0] & 0x0F) * 4;
        int total = BinaryPrimitives.ReadUInt16BigEndian(data[2..]);
        if (header < MinHeaderV4 || total < header || total > data.Length)
        {
            return false;
        }
        int fragment = BinaryPrimitives.ReadUInt16BigEndian(data[6..]) & 0x3FFF;
        packet = new IpPacket(data[..total], 4, data[9], header, (fragment & 0x1FFF) == 0, fragment != 0);
        return true;
    }

    private static bool TryParseV6(ReadOnlySpan<byte> data, out IpPacket packet)
    {
        packet = default;
        if (data.Length < HeaderV6)
        {
            return false;
        }
        int total = HeaderV6 + BinaryPrimitives.ReadUInt16BigEndian(data[4..]);
        if (total > data.Length)
        {
            return false;
        }
        data = data[..total];
        byte next = data[6];
        int offset = HeaderV6;
        int extensions = 0;
        bool first = true, fragmented = false;
        // Behind the header of a later fragment lies the middle of something, not a further header.
        while (first && IsExtension(next))
        {
            if (total - offset < 8 || ++extensions > MaxExtensionHeaders)
            {
                return false;
            }
            int length = LengthOfExtension(next, data[offset + 1]);
            if (length > total - offset)
            {
                return false;
            }
            if (next == IpProtocol.Fragment)
            {
                int field = BinaryPrimitives.ReadUInt16BigEndian(data[(offset + 2)..]);
                first = (field & 0xFFF8) == 0;
                // An "atomic" fragment (RFC 6946) is a whole packet that carries the header all the same.
                fragmented |= !first || (field & 1) != 0;
            }
            next = data[offset];
            offset += length;
        }
        packet = new IpPacket(data, 6, next, offset, first, fragmented);
        return true;
    }

    /// <summary>Bytes of an extension header of IPv6.</summary>
    /// <param name="header">Which one.</param>
    /// <param name="field">Its second byte, the length in a unit that depends on the header.</param>
    internal static int LengthOfExtension(byte header, byte field) => header switch
    {
        IpProtocol.Fragment => 8,
        IpProtocol.Authentication => (field + 2) * 4,
        _ => (field + 1) * 8,
    };

    private static bool IsExtension(byte header) =>
        header is IpProtocol.HopByHop or IpProtocol.Routing or IpProtocol.Fragment or IpProtocol.Authentication or IpProtocol.DestinationOptions;
}
