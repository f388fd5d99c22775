namespace TunnelMesh.Platform.Tun;

/// <summary>Why a TUN device could not be made.</summary>
public enum TunError
{
    /// <summary>The process lacks the right: CAP_NET_ADMIN on Linux, root on macOS, an administrator's on Windows.</summary>
    NotPermitted,

    /// <summary>The system offers no TUN driver here.</summary>
    NoDriver,

    /// <summary>An interface of that name exists already.</summary>
    NameInUse,

    /// <summary>The name, MTU or an address is not valid.</summary>
    BadOptions,

    /// <summary>Somebody else removed the interface.</summary>
    Gone,

    /// <summary>This operating system is not supported.</summary>
    NotSupported,

    /// <summary>The system refused for another reason, which the message carries.</summary>
    Failed,
}
