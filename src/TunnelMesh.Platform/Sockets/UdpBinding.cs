using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Platform.Sockets;

/// <summary>Binds the port through the framework, where nothing but what it offers is needed (macOS, Windows); the packets then go by the system's own calls.</summary>
internal static class UdpBinding
{
    // Below this a system that gives no more is not worth asking on.
    private const int LeastBufferBytes = 64 * 1024;

    /// <summary>Binds for both families, or for IPv4 alone where IPv6 is off.</summary>
    /// <param name="options">Port and buffers; a mark is refused, since only Linux has one.</param>
    /// <param name="hasIPv6">The family of the socket.</param>
    /// <exception cref="UdpSocketException">The port is taken or the system refused.</exception>
    public static Socket Open(UdpSocketOptions options, out bool hasIPv6)
    {
        if (options.FirewallMark != 0)
        {
            throw new UdpSocketException(UdpError.NotSupported, options.Port, "A firewall mark was asked for, which this operating system does not have. Start the peer without one.");
        }

        try
        {
            hasIPv6 = true;
            return Bind(new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp), new IPEndPoint(IPAddress.IPv6Any, options.Port), options);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressFamilyNotSupported or SocketError.ProtocolNotSupported or SocketError.AddressNotAvailable or SocketError.OperationNotSupported)
        {
            hasIPv6 = false;
        }
        catch (SocketException e)
        {
            throw Failed(options.Port, e);
        }

        try
        {
            return Bind(new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp), new IPEndPoint(IPAddress.Any, options.Port), options);
        }
        catch (SocketException e)
        {
            throw Failed(options.Port, e);
        }
    }

    /// <summary>What a person is told.</summary>
    internal static UdpSocketException Failed(int port, SocketException e) => e.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => InUse(port),
        // Windows answers so when another program has the port for itself, or the system has reserved it.
        SocketError.AccessDenied when OperatingSystem.IsWindows() => InUse(port),
        SocketError.AccessDenied => new UdpSocketException(UdpError.NotPermitted, port, $"This process may not open UDP port {port}. Run it as root (sudo), or choose a port above 1023."),
        _ => new UdpSocketException(UdpError.Failed, port, $"UDP port {port} could not be opened: {e.Message.TrimEnd('.')}."),
    };

    /// <summary>Names the port and, where known, its owner.</summary>
    internal static UdpSocketException InUse(int port)
    {
        string owner = PortOwner.Find(ProtocolType.Udp, port) is { } found ? $" by {found}" : "";
        return new UdpSocketException(UdpError.PortInUse, port, $"UDP port {port} is in use{owner}. Stop that program, or choose another port.");
    }

    private static Socket Bind(Socket socket, EndPoint local, UdpSocketOptions options)
    {
        try
        {
            if (socket.AddressFamily == AddressFamily.InterNetworkV6)
            {
                socket.DualMode = true;
            }

            if (OperatingSystem.IsWindows())
            {
                // Otherwise another user's program could bind the port beside us and take the datagrams.
                socket.ExclusiveAddressUse = true;
            }

            Enlarge(socket, SocketOptionName.ReceiveBuffer, options.BufferBytes);
            Enlarge(socket, SocketOptionName.SendBuffer, options.BufferBytes);
            options.ConfigureSocket?.Invoke(socket);
            socket.Bind(local);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // macOS refuses what is beyond kern.ipc.maxsockbuf instead of giving what it has; a smaller buffer costs throughput, not function.
    private static void Enlarge(Socket socket, SocketOptionName which, int bytes)
    {
        for (; bytes >= LeastBufferBytes; bytes /= 2)
        {
            try
            {
                socket.SetSocketOption(SocketOptionLevel.Socket, which, bytes);
                return;
            }
            catch (SocketException)
            {
                // Half of it, then.
            }
        }
    }
}
