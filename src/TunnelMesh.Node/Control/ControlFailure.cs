namespace TunnelMesh.Node.Control;

/// <summary>Codes of <see cref="ControlException"/> that the peer finds by itself; the coordinator's own are in <c>ControlErrorCodes</c>.</summary>
public static class ControlFailure
{
    /// <summary>Nothing answers at this address.</summary>
    public const string Unreachable = "unreachable";
    /// <summary>The TLS handshake failed, or the certificate is not one of this mesh's coordinators.</summary>
    public const string Tls = "tls";
    /// <summary>Something answers, but it is not a coordinator.</summary>
    public const string NotACoordinator = "not_a_coordinator";
    /// <summary>The other side did not prove itself: someone stands in between, or the token differs.</summary>
    public const string ProofMismatch = "proof_mismatch";
    /// <summary>The other side stopped answering in the middle.</summary>
    public const string Timeout = "timeout";
}
