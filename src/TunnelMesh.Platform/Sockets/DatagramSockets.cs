using System.Net.Sockets;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Sockets;

/// <summary>Options of the framework's UDP sockets that it has no name for. Any thread.</summary>
public static class DatagramSockets
{
    /// <summary>Has an ICMP message about one destination not end a call that receives, which Windows does once for each (WSAECONNRESET, WSAENETRESET). Elsewhere nothing.</summary>
    /// <param name="socket">Of UDP.</param>
    public static void IgnoreResets(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        if (!OperatingSystem.IsWindows())
        {
            return;
        }

        // SIO_UDP_CONNRESET and SIO_UDP_NETRESET (mswsock.h).
        foreach (int code in (ReadOnlySpan<int>)[unchecked((int)0x9800000c), unchecked((int)0x9800000f)])
        {
            try
            {
                socket.IOControl(code, new byte[4], null);
            }
            catch (SocketException)
            {
                // An older system: such errors are passed over where they appear.
            }
        }
    }

    /// <summary>
    /// Lets a socket that is about to be bound to one address live beside others at the same port of all addresses, which have to have said the same (SO_REUSEADDR, socket(7)). What is sent to the address
    /// comes to this socket alone. On Linux it lives beside others at the very address, too, whoever's they are, and the one that was bound last gets what is sent there. On Windows nothing: there
    /// such sockets go together anyway, and the option means another thing.
    /// </summary>
    /// <param name="socket">Of UDP, not bound yet.</param>
    /// <exception cref="SocketException">The system refused.</exception>
    public static void ShareWithWildcards(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        // The framework's ReuseAddress sets SO_REUSEPORT as well, by which sockets of one user share what arrives.
        bool linux = OperatingSystem.IsLinux();
        Span<byte> on = stackalloc byte[sizeof(int)];
        BitConverter.TryWriteBytes(on, 1);
        socket.SetRawSocketOption(linux ? LinuxNative.SolSocket : MacOSNative.SolSocket, linux ? LinuxNative.SoReuseAddress : MacOSNative.SoReuseAddress, on);
    }
}
