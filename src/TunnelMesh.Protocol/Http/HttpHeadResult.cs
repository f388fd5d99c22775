namespace TunnelMesh.Protocol.Http;

/// <summary>What the bytes received so far are.</summary>
public enum HttpHeadResult
{
    /// <summary>The beginning of a request; more may follow.</summary>
    Incomplete,
    /// <summary>A whole head.</summary>
    Complete,
    /// <summary>No request of HTTP/1, or one that RFC 9112 has refused.</summary>
    Malformed,
}
