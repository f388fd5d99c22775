namespace TunnelMesh.Node.Diagnosis;

/// <summary>Why a device is not reached directly, or not well.</summary>
public enum DiagnosisCause
{
    /// <summary>It is reached directly, and well.</summary>
    Fine,
    /// <summary>It is reached directly, but many packets are lost.</summary>
    Lossy,
    /// <summary>Small packets pass UDP, those of a usual size do not.</summary>
    SmallPacketsOnly,
    /// <summary>The device is not connected to the mesh.</summary>
    Offline,
    /// <summary>Nobody has tried yet, or only just begun.</summary>
    NotTried,
    /// <summary>One of the two leaves UDP out of its transports.</summary>
    TransportsForbid,
    /// <summary>It could be reached directly, but another transport is preferred.</summary>
    NotPreferred,
    /// <summary>Nothing carries: UDP does not pass, and the stream to the relay is not open.</summary>
    RelayClosed,
    /// <summary>Nothing carries: SSH is not open, and the transports of the two leave nothing else.</summary>
    SshClosed,
    /// <summary>No UDP leaves or enters this machine's network.</summary>
    UdpBlocked,
    /// <summary>The NAT here gives everybody another endpoint, and forwards no port.</summary>
    HardNat,
    /// <summary>The device tells of no address at which it could be reached.</summary>
    NoEndpoint,
    /// <summary>UDP worked, and has stopped.</summary>
    DirectLost,
    /// <summary>No address of the device answers, and nothing is known to be wrong here.</summary>
    NoAnswer,
}
