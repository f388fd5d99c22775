using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Lanes;

/// <summary>
/// poll(2) over one or two descriptors and one to wake by, on Linux and macOS. kqueue(2) would save registering three descriptors a
/// wait, which is little beside the reads that follow, and the same code runs where it is tested every day.
/// </summary>
internal sealed unsafe class DescriptorPoller(SafeHandle? tun, SafeHandle? socket, WakeDescriptor wake) : LanePoller
{
    public override LaneEvents Wait(int timeoutMilliseconds)
    {
        bool tunHeld = false, socketHeld = false;
        try
        {
            tun?.DangerousAddRef(ref tunHeld);
            socket?.DangerousAddRef(ref socketHeld);
            UnixNative.PollFd* fds = stackalloc UnixNative.PollFd[3];
            // A negative descriptor is passed over.
            fds[0] = new UnixNative.PollFd { Fd = (int)(tun?.DangerousGetHandle() ?? -1), Events = UnixNative.PollIn };
            fds[1] = new UnixNative.PollFd { Fd = (int)(socket?.DangerousGetHandle() ?? -1), Events = UnixNative.PollIn };
            fds[2] = new UnixNative.PollFd { Fd = (int)wake.Readable.DangerousGetHandle(), Events = UnixNative.PollIn };
            if (UnixNative.Poll(fds, 3, timeoutMilliseconds) <= 0)
            {
                return LaneEvents.None;
            }

            // Errors count as readable: the read that follows says what they are.
            LaneEvents events = (fds[0].REvents != 0 ? LaneEvents.Packets : 0) | (fds[1].REvents != 0 ? LaneEvents.Datagrams : 0);
            if (fds[2].REvents != 0)
            {
                wake.Clear();
                events |= LaneEvents.Woken;
            }

            return events;
        }
        finally
        {
            if (tunHeld)
            {
                tun!.DangerousRelease();
            }

            if (socketHeld)
            {
                socket!.DangerousRelease();
            }
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
            // The lane has ended meanwhile: there is nobody to wake.
        }
    }

    protected override void Dispose(bool disposing) => wake.Dispose();
}
