using System.Net.Sockets;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Sockets;

/// <summary>Firewall marks (SO_MARK, socket(7)) on the framework's sockets: what they send may be told apart by rules for routes and filters. Linux only.</summary>
public static class SocketMark
{
    /// <summary>True where packets can be marked.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux();

    /// <summary>Marks everything a socket sends from now on; connections that it accepts inherit the mark.</summary>
    /// <param name="socket">Of any family and kind.</param>
    /// <param name="mark">0 for none.</param>
    /// <exception cref="SocketException">The system refused; <see cref="SocketError.AccessDenied"/> without CAP_NET_ADMIN.</exception>
    /// <exception cref="PlatformNotSupportedException">This is not Linux.</exception>
    public static void Set(Socket socket, uint mark)
    {
        ArgumentNullException.ThrowIfNull(socket);
        if (!IsSupported)
        {
            throw new PlatformNotSupportedException("Only Linux marks packets.");
        }

        Span<byte> value = stackalloc byte[sizeof(uint)];
        BitConverter.TryWriteBytes(value, mark);
        socket.SetRawSocketOption(LinuxNative.SolSocket, LinuxNative.SoMark, value);
    }
}
