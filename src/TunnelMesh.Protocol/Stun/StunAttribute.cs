namespace TunnelMesh.Protocol.Stun;

/// <summary>Types of STUN attributes (RFC 8489 section 18.3, RFC 5780 section 7). Below 0x8000 a receiver must understand them.</summary>
public static class StunAttribute
{
    /// <summary>MAPPED-ADDRESS.</summary>
    public const ushort MappedAddress = 0x0001;
    /// <summary>CHANGE-REQUEST of RFC 5780, which this program neither sends nor serves.</summary>
    public const ushort ChangeRequest = 0x0003;
    /// <summary>ERROR-CODE.</summary>
    public const ushort ErrorCode = 0x0009;
    /// <summary>UNKNOWN-ATTRIBUTES.</summary>
    public const ushort UnknownAttributes = 0x000a;
    /// <summary>XOR-MAPPED-ADDRESS.</summary>
    public const ushort XorMappedAddress = 0x0020;
    /// <summary>SOFTWARE.</summary>
    public const ushort Software = 0x8022;
    /// <summary>FINGERPRINT.</summary>
    public const ushort Fingerprint = 0x8028;
    /// <summary>OTHER-ADDRESS of RFC 5780: a second address of the server, to compare mappings by.</summary>
    public const ushort OtherAddress = 0x802c;

    /// <summary>True for an attribute without which a message must not be understood.</summary>
    /// <param name="type">The type.</param>
    public static bool IsRequired(ushort type) => type < 0x8000;
}
