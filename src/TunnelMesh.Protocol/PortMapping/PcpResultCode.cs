namespace TunnelMesh.Protocol.PortMapping;

/// <summary>Result codes of PCP (RFC 6887 section 7.4).</summary>
public enum PcpResultCode : byte
{
    /// <summary>SUCCESS.</summary>
    Success = 0,
    /// <summary>UNSUPP_VERSION.</summary>
    UnsupportedVersion = 1,
    /// <summary>NOT_AUTHORIZED: switched off, or the mapping is another's (another nonce).</summary>
    NotAuthorized = 2,
    /// <summary>MALFORMED_REQUEST.</summary>
    MalformedRequest = 3,
    /// <summary>UNSUPP_OPCODE.</summary>
    UnsupportedOpcode = 4,
    /// <summary>UNSUPP_OPTION.</summary>
    UnsupportedOption = 5,
    /// <summary>MALFORMED_OPTION.</summary>
    MalformedOption = 6,
    /// <summary>NETWORK_FAILURE: the gateway has no external address yet.</summary>
    NetworkFailure = 7,
    /// <summary>NO_RESOURCES.</summary>
    NoResources = 8,
    /// <summary>UNSUPP_PROTOCOL.</summary>
    UnsupportedProtocol = 9,
    /// <summary>USER_EX_QUOTA.</summary>
    UserExceedsQuota = 10,
    /// <summary>CANNOT_PROVIDE_EXTERNAL.</summary>
    CannotProvideExternal = 11,
    /// <summary>ADDRESS_MISMATCH: there is another NAT between.</summary>
    AddressMismatch = 12,
    /// <summary>EXCESSIVE_REMOTE_PEERS.</summary>
    ExcessiveRemotePeers = 13,
}
