using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Sockets;

/// <summary>macOS: the calls of POSIX, with this system's numbers.</summary>
internal static class MacOSUdpSocket
{
    public static IUdpSocket Open(UdpSocketOptions options) =>
        PosixUdpSocket.Open(options, SocketNameFormat.MacOS, MacOSNative.MsgDontWait, MacOSNative.EAgain);
}
