using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Lanes;

/// <summary>poll(2) over the two descriptors and an eventfd.</summary>
internal sealed unsafe class LinuxLanePoller : LanePoller
{
    private readonly SafeFileDescriptor _tun;
    private readonly SafeFileDescriptor _socket;
    private readonly SafeFileDescriptor _wake = LinuxNative.EventFd(0, LinuxNative.OCloExec | LinuxNative.ONonBlock);

    public LinuxLanePoller(SafeFileDescriptor tun, SafeFileDescriptor socket)
    {
        if (_wake.IsInvalid)
        {
            throw new IOException("The system gave no eventfd: " + UnixNative.Describe(Marshal.GetLastPInvokeError()) + ". Raise the limit of open files (ulimit -n).");
        }

        (_tun, _socket) = (tun, socket);
    }

    public override LaneEvents Wait(int timeoutMilliseconds)
    {
        bool tunHeld = false, socketHeld = false;
        try
        {
            _tun.DangerousAddRef(ref tunHeld);
            _socket.DangerousAddRef(ref socketHeld);
            UnixNative.PollFd* fds = stackalloc UnixNative.PollFd[3];
            fds[0] = new UnixNative.PollFd { Fd = (int)_tun.DangerousGetHandle(), Events = UnixNative.PollIn };
            fds[1] = new UnixNative.PollFd { Fd = (int)_socket.DangerousGetHandle(), Events = UnixNative.PollIn };
            fds[2] = new UnixNative.PollFd { Fd = (int)_wake.DangerousGetHandle(), Events = UnixNative.PollIn };
            if (UnixNative.Poll(fds, 3, timeoutMilliseconds) <= 0)
            {
                return LaneEvents.None;
            }

            // Errors count as readable: the read that follows says what they are.
            LaneEvents events = (fds[0].REvents != 0 ? LaneEvents.Packets : 0) | (fds[1].REvents != 0 ? LaneEvents.Datagrams : 0);
            if (fds[2].REvents != 0)
            {
                ulong count;
                _ = UnixNative.Read(_wake, &count, sizeof(ulong));
                events |= LaneEvents.Woken;
            }

            return events;
        }
        finally
        {
            if (tunHeld)
            {
                _tun.DangerousRelease();
            }

            if (socketHeld)
            {
                _socket.DangerousRelease();
            }
        }
    }

    public override void Wake()
    {
        try
        {
            ulong one = 1;
            _ = UnixNative.Write(_wake, &one, sizeof(ulong));
        }
        catch (ObjectDisposedException)
        {
            // The lane has ended meanwhile: there is nobody to wake.
        }
    }

    protected override void Dispose(bool disposing) => _wake.Dispose();
}
