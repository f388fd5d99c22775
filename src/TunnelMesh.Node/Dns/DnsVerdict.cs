namespace TunnelMesh.Node.Dns;

/// <summary>What becomes of a query.</summary>
public enum DnsVerdict
{
    /// <summary>Nothing is sent back.</summary>
    Drop,
    /// <summary>There is an answer.</summary>
    Answer,
    /// <summary>Another server is to be asked.</summary>
    Forward,
}
