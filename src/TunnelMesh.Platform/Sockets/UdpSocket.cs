namespace TunnelMesh.Platform.Sockets;

/// <summary>Opens UDP sockets on the operating system at hand.</summary>
public static class UdpSocket
{
    /// <summary>Binds a port on all addresses, for IPv6 and IPv4, or for IPv4 alone where IPv6 is off.</summary>
    /// <param name="options">Port, mark and buffers.</param>
    /// <returns>The socket; the caller disposes it.</returns>
    /// <exception cref="UdpSocketException">The port is taken or the system refused.</exception>
    public static IUdpSocket Open(UdpSocketOptions options) => OpenGroup(options, 1)[0];

    /// <summary>
    /// Binds a port as <see cref="Open"/> does, with several sockets, each received from by a thread of its own. A WireGuard message with a receiver index goes
    /// to the socket whose number is the first byte of that index, modulo their count; everything else to the first.
    /// </summary>
    /// <param name="options">Port, mark and buffers.</param>
    /// <param name="count">How many are wanted, 1 to 256.</param>
    /// <returns>The sockets, by number: one alone where the system cannot steer.</returns>
    /// <exception cref="UdpSocketException">The port is taken or the system refused.</exception>
    public static IReadOnlyList<IUdpSocket> OpenGroup(UdpSocketOptions options, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, 256);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegative(options.Port);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Port, 65535);
        if (OperatingSystem.IsLinux())
        {
            return LinuxUdpSocket.OpenGroup(options, count);
        }

        if (OperatingSystem.IsMacOS())
        {
            return [MacOSUdpSocket.Open(options)];
        }

        if (OperatingSystem.IsWindows())
        {
            return [WindowsUdpSocket.Open(options)];
        }

        throw new UdpSocketException(UdpError.NotSupported, options.Port, "This operating system is not supported by TunnelMesh. Run the peer on Linux.");
    }
}
