using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Platform.Lanes;

/// <summary>poll(2), on Linux and macOS.</summary>
/// <param name="wake">To wake by; owned from then on.</param>
internal sealed unsafe class DescriptorSocketPoller(WakeDescriptor wake) : SocketPoller
{
    private UnixNative.PollFd[] _fds = new UnixNative.PollFd[16];

    public override void Wait(ReadOnlySpan<IUdpSocket> sockets, Span<bool> ready, int timeoutMilliseconds)
    {
        ready.Clear();
        if (_fds.Length <= sockets.Length)
        {
            _fds = new UnixNative.PollFd[2 * (sockets.Length + 1)];
        }

        for (int i = 0; i < sockets.Length; i++)
        {
            SafeHandle descriptor = ((IDescriptorOwner)sockets[i]).Descriptor;
            _fds[i] = new UnixNative.PollFd { Fd = (int)descriptor.DangerousGetHandle(), Events = UnixNative.PollIn };
        }

        _fds[sockets.Length] = new UnixNative.PollFd { Fd = (int)wake.Readable.DangerousGetHandle(), Events = UnixNative.PollIn };
        fixed (UnixNative.PollFd* fds = _fds)
        {
            if (UnixNative.Poll(fds, (nuint)sockets.Length + 1, timeoutMilliseconds) <= 0)
            {
                return;
            }
        }

        for (int i = 0; i < sockets.Length; i++)
        {
            // Errors count as readable: the read that follows clears them.
            ready[i] = _fds[i].REvents != 0;
        }

        if (_fds[sockets.Length].REvents != 0)
        {
            wake.Clear();
        }
    }

    public override void Wake()
    {
        try
        {
            wake.Signal();
        }
        catch (ObjectDisposedException)
        {
            // There is nobody to wake any more.
        }
    }

    protected override void Dispose(bool disposing) => wake.Dispose();
}
