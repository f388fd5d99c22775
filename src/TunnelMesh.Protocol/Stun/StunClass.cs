namespace TunnelMesh.Protocol.Stun;

/// <summary>Class of a STUN message (RFC 8489 section 5).</summary>
public enum StunClass
{
    /// <summary>A request.</summary>
    Request = 0,
    /// <summary>An indication, which is not answered.</summary>
    Indication = 1,
    /// <summary>A success response.</summary>
    Success = 2,
    /// <summary>An error response.</summary>
    Error = 3,
}
