namespace TunnelMesh.Platform.Sockets;

/// <summary>Windows: the tunnel's socket is not supported by this version, and says so.</summary>
internal static class WindowsUdpSocket
{
    public static IUdpSocket Open(UdpSocketOptions options) =>
        throw new UdpSocketException(UdpError.NotSupported, options.Port, "This version cannot carry tunnels on Windows yet. Run the peer on Linux, or in a Linux virtual machine.");
}
