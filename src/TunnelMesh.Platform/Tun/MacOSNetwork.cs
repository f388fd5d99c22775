using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Tun;

/// <summary>ioctl(2) and route(4), each on a socket of its own: both are asked for a few times a start.</summary>
internal sealed unsafe class MacOSNetwork : IMacOSNetwork
{
    public int Control(int family, uint request, Span<byte> argument)
    {
        using SafeFileDescriptor socket = UnixNative.Socket(family, UnixNative.SockDgram, 0);
        if (socket.IsInvalid)
        {
            return Marshal.GetLastPInvokeError();
        }

        fixed (byte* p = argument)
        {
            return MacOSNative.Ioctl(socket, request, p);
        }
    }

    public int Route(ReadOnlySpan<byte> message)
    {
        using SafeFileDescriptor socket = UnixNative.Socket(MacOSNative.AfRoute, UnixNative.SockRaw, 0);
        if (socket.IsInvalid)
        {
            return Marshal.GetLastPInvokeError();
        }

        fixed (byte* p = message)
        {
            return UnixNative.Write(socket, p, (nuint)message.Length) == message.Length ? 0 : Marshal.GetLastPInvokeError();
        }
    }
}
