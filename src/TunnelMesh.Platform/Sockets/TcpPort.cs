using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Platform.Sockets;

/// <summary>TCP sockets for streams of datagrams.</summary>
public static class TcpPort
{
    private const int Backlog = 64;

    // TCP_NOTSENT_LOWAT (tcp(7)): what the kernel takes beyond what it can send only makes newer bytes wait.
    private const int LinuxTcp = 6, LinuxNotSentLowWater = 25, NotSentBytes = 256 * 1024;

    /// <summary>Listens for both families, or for IPv4 alone where IPv6 is off.</summary>
    /// <param name="port">The port; 0 lets the system choose.</param>
    /// <param name="configure">Applied before the socket is bound.</param>
    /// <returns>A listening socket; the caller's.</returns>
    /// <exception cref="TcpPortException">The port is taken or the system refused.</exception>
    public static Socket Listen(int port, Action<Socket>? configure)
    {
        try
        {
            return Bind(AddressFamily.InterNetworkV6, new IPEndPoint(IPAddress.IPv6Any, port), configure);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressFamilyNotSupported or SocketError.ProtocolNotSupported or SocketError.AddressNotAvailable or SocketError.OperationNotSupported)
        {
            // IPv4 alone, then.
        }
        catch (SocketException e)
        {
            throw Failed(port, e);
        }

        try
        {
            return Bind(AddressFamily.InterNetwork, new IPEndPoint(IPAddress.Any, port), configure);
        }
        catch (SocketException e)
        {
            throw Failed(port, e);
        }
    }

    /// <summary>Prepares a socket, made by us or accepted, for datagrams: sent at once, and as few as possible waiting in the kernel.</summary>
    /// <param name="socket">A TCP socket.</param>
    public static void ForDatagrams(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        socket.NoDelay = true;
        if (OperatingSystem.IsLinux())
        {
            Span<byte> value = stackalloc byte[sizeof(int)];
            BitConverter.TryWriteBytes(value, NotSentBytes);
            socket.SetRawSocketOption(LinuxTcp, LinuxNotSentLowWater, value);
        }
    }

    private static Socket Bind(AddressFamily family, EndPoint local, Action<Socket>? configure)
    {
        Socket socket = new(family, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (family == AddressFamily.InterNetworkV6)
            {
                socket.DualMode = true;
            }

            if (OperatingSystem.IsWindows())
            {
                // Otherwise another user's program could bind the port beside us and take the connections.
                socket.ExclusiveAddressUse = true;
            }

            configure?.Invoke(socket);
            socket.Bind(local);
            socket.Listen(Backlog);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static TcpPortException Failed(int port, SocketException e) => e.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => InUse(port, e),
        // Windows answers so when another program has the port for itself, or the system has reserved it.
        SocketError.AccessDenied when OperatingSystem.IsWindows() => InUse(port, e),
        SocketError.AccessDenied => new TcpPortException(e.SocketErrorCode, port, $"This process may not open TCP port {port}. Run it as root (sudo), or choose a port above 1023.", e),
        _ => new TcpPortException(e.SocketErrorCode, port, $"TCP port {port} could not be opened: {e.Message.TrimEnd('.')}.", e),
    };

    private static TcpPortException InUse(int port, SocketException e)
    {
        string owner = PortOwner.Find(ProtocolType.Tcp, port) is { } found ? $" by {found}" : "";
        return new TcpPortException(SocketError.AddressAlreadyInUse, port, $"TCP port {port} is in use{owner}. Stop that program, or choose another port.", e);
    }
}
