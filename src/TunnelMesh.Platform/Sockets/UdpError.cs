namespace TunnelMesh.Platform.Sockets;

/// <summary>Why a UDP socket could not be opened.</summary>
public enum UdpError
{
    /// <summary>Somebody else has the port.</summary>
    PortInUse,

    /// <summary>The process lacks a right (a port below 1024, or the mark).</summary>
    NotPermitted,

    /// <summary>This operating system is not supported.</summary>
    NotSupported,

    /// <summary>The system refused for another reason, which the message carries.</summary>
    Failed,
}
