namespace TunnelMesh.Protocol.Ssh;

/// <summary>Why a connection ends (RFC 4250 section 4.2.2); the numbers are those of the wire.</summary>
public enum SshDisconnectReason
{
    /// <summary>It has not ended.</summary>
    None = 0,

    /// <summary>The other side broke the protocol.</summary>
    ProtocolError = 2,

    /// <summary>No algorithms in common, or a key exchange that does not hold.</summary>
    KeyExchangeFailed = 3,

    /// <summary>A packet was forged or damaged.</summary>
    MacError = 5,

    /// <summary>The service asked for does not exist here.</summary>
    ServiceNotAvailable = 7,

    /// <summary>The other side does not speak SSH-2.</summary>
    ProtocolVersionNotSupported = 8,

    /// <summary>The server's host key is not the one it should be.</summary>
    HostKeyNotVerifiable = 9,

    /// <summary>The connection was lost, or a deadline passed.</summary>
    ConnectionLost = 10,

    /// <summary>It is not needed any more.</summary>
    ByApplication = 11,

    /// <summary>Too many connections.</summary>
    TooManyConnections = 12,

    /// <summary>Authentication failed for good.</summary>
    NoMoreAuthMethods = 14,
}
