namespace TunnelMesh.Protocol.Dns;

/// <summary>Types of records (RFC 1035 section 3.2.2 and its successors).</summary>
public static class DnsType
{
    /// <summary>IPv4 address.</summary>
    public const ushort A = 1;
    /// <summary>Name server.</summary>
    public const ushort NS = 2;
    /// <summary>Start of authority.</summary>
    public const ushort Soa = 6;
    /// <summary>Pointer: the name behind an address.</summary>
    public const ushort Ptr = 12;
    /// <summary>IPv6 address (RFC 3596).</summary>
    public const ushort Aaaa = 28;
    /// <summary>The pseudo-record of EDNS (RFC 6891).</summary>
    public const ushort Opt = 41;
    /// <summary>Incremental and whole transfer of a zone, and two obsolete kinds of mail: questions only, never answered.</summary>
    public const ushort Ixfr = 251, Axfr = 252, MailB = 253, MailA = 254;
    /// <summary>Any type; a question only (RFC 8482).</summary>
    public const ushort Any = 255;
}
