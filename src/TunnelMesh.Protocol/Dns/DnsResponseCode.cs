namespace TunnelMesh.Protocol.Dns;

/// <summary>Response codes (RFC 1035 section 4.1.1, RFC 6891 section 6.1.3).</summary>
public enum DnsResponseCode
{
    /// <summary>No error.</summary>
    NoError = 0,
    /// <summary>The query cannot be understood.</summary>
    FormatError = 1,
    /// <summary>The server could not do it.</summary>
    ServerFailure = 2,
    /// <summary>The name does not exist.</summary>
    NameError = 3,
    /// <summary>The server does not do this kind of query.</summary>
    NotImplemented = 4,
    /// <summary>The server does not want to.</summary>
    Refused = 5,
    /// <summary>The version of EDNS is not known; needs an OPT record to be said.</summary>
    BadVersion = 16,
}
