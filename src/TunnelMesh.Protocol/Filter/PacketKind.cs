namespace TunnelMesh.Protocol.Filter;

/// <summary>What a packet is to the filter.</summary>
public enum PacketKind : byte
{
    /// <summary>Of a protocol without ports that the filter knows nothing of; rules of any protocol are about it.</summary>
    Other,

    /// <summary>TCP, with its whole header.</summary>
    Tcp,

    /// <summary>UDP, with its whole header.</summary>
    Udp,

    /// <summary>ICMP or ICMPv6, neither echo nor error.</summary>
    Icmp,

    /// <summary>Echo, echo reply or an error of ICMP or ICMPv6: always passes.</summary>
    IcmpAlways,

    /// <summary>A fragment without the beginning, which stands or falls with the first one.</summary>
    LaterFragment,

    /// <summary>Built so that what it is cannot be told, or so that nobody honest would build it: never passes.</summary>
    Refused,
}
