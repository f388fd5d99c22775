namespace TunnelMesh.Node.Paths;

/// <summary>What carries the datagrams of a path; the names are those of the configuration key <c>transports</c>, in lower case.</summary>
public enum PathTransport : byte
{
    /// <summary>UDP, straight.</summary>
    Udp,

    /// <summary>A channel of an SSH connection between the two.</summary>
    Ssh,

    /// <summary>A coordinator's relay, which sees ciphertext only.</summary>
    Relay,
}
