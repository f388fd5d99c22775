namespace TunnelMesh.Protocol.Filter;

/// <summary>What the filter has to know about a packet beside its addresses. Copied from it, so it lives longer than the packet.</summary>
public readonly struct PacketClass
{
    /// <summary>FIN of <see cref="TcpFlags"/> (RFC 9293, section 3.1).</summary>
    public const byte Fin = 0x01;

    /// <summary>SYN of <see cref="TcpFlags"/>.</summary>
    public const byte Syn = 0x02;

    /// <summary>RST of <see cref="TcpFlags"/>.</summary>
    public const byte Rst = 0x04;

    /// <summary>ACK of <see cref="TcpFlags"/>.</summary>
    public const byte Ack = 0x10;

    /// <summary>What it is.</summary>
    public required PacketKind Kind { get; init; }

    /// <summary>Upper-layer protocol number.</summary>
    public byte Protocol { get; init; }

    /// <summary>Of TCP and UDP.</summary>
    public ushort SourcePort { get; init; }

    /// <summary>Of TCP and UDP.</summary>
    public ushort DestinationPort { get; init; }

    /// <summary>Of TCP.</summary>
    public byte TcpFlags { get; init; }

    /// <summary>True of a first fragment that others follow.</summary>
    public bool HasFollowers { get; init; }

    /// <summary>True of the fragment that ends its datagram.</summary>
    public bool IsLastFragment { get; init; }

    /// <summary>Identification of a fragment: 16 bits in IPv4, 32 in IPv6.</summary>
    public uint FragmentId { get; init; }

    /// <summary>Where a fragment's bytes begin in the whole datagram's payload.</summary>
    public int FragmentStart { get; init; }

    /// <summary>Where they end.</summary>
    public int FragmentEnd { get; init; }
}
