namespace TunnelMesh.Protocol.Dns;

/// <summary>Classes of records (RFC 1035 section 3.2.4).</summary>
public static class DnsClass
{
    /// <summary>The internet.</summary>
    public const ushort Internet = 1;
    /// <summary>Any class; a question only.</summary>
    public const ushort Any = 255;
}
