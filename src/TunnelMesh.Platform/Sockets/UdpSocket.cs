namespace TunnelMesh.Platform.Sockets;

/// <summary>Opens UDP sockets on the operating system at hand.</summary>
public static class UdpSocket
{
    /// <summary>Binds a port on all addresses, for IPv6 and IPv4, or for IPv4 alone where IPv6 is off.</summary>
    /// <param name="options">Port, mark and buffers.</param>
    /// <returns>The socket; the caller disposes it.</returns>
    /// <exception cref="UdpSocketException">The port is taken or the system refused.</exception>
    public static IUdpSocket Open(UdpSocketOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegative(options.Port);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Port, 65535);
        if (OperatingSystem.IsLinux())
        {
            return LinuxUdpSocket.Open(options);
        }

        if (OperatingSystem.IsMacOS())
        {
            return MacOSUdpSocket.Open(options);
        }

        if (OperatingSystem.IsWindows())
        {
            return WindowsUdpSocket.Open(options);
        }

        throw new UdpSocketException(UdpError.NotSupported, options.Port, "This operating system is not supported by TunnelMesh. Run the peer on Linux.");
    }
}
