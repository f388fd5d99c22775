namespace TunnelMesh.Node.Nat;

/// <summary>How the NAT in front of us gives out ports (RFC 4787 section 4.1).</summary>
public enum MappingBehaviour
{
    /// <summary>Not known: nobody answered, or only one server did.</summary>
    Unknown,
    /// <summary>There is none: servers see our own address and port.</summary>
    None,
    /// <summary>The same outside endpoint towards everybody: "easy".</summary>
    EndpointIndependent,
    /// <summary>Another outside endpoint towards each address, or each address and port: "hard".</summary>
    Dependent,
}
