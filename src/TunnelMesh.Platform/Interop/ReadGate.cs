using System.Runtime.InteropServices;

namespace TunnelMesh.Platform.Interop;

/// <summary>Waits until a descriptor is readable or somebody asks to stop: poll on the descriptor and an eventfd, which stays readable once signalled.</summary>
internal sealed unsafe class ReadGate : IDisposable
{
    private readonly SafeFileDescriptor _stop = LinuxNative.EventFd(0, LinuxNative.OCloExec | LinuxNative.ONonBlock);
    private volatile bool _stopped;

    public ReadGate()
    {
        if (_stop.IsInvalid)
        {
            throw new IOException("The system gave no eventfd: " + LinuxNative.Describe(Marshal.GetLastPInvokeError()) + ". Raise the limit of open files (ulimit -n).");
        }
    }

    public WaitResult Wait(SafeFileDescriptor fd, int timeoutMilliseconds)
    {
        if (_stopped || fd.IsClosed)
        {
            return WaitResult.Stopped;
        }

        bool held = false, stopHeld = false;
        try
        {
            fd.DangerousAddRef(ref held);
            _stop.DangerousAddRef(ref stopHeld);
            var fds = stackalloc LinuxNative.PollFd[2];
            fds[0] = new LinuxNative.PollFd { Fd = (int)fd.DangerousGetHandle(), Events = LinuxNative.PollIn };
            fds[1] = new LinuxNative.PollFd { Fd = (int)_stop.DangerousGetHandle(), Events = LinuxNative.PollIn };
            int ready = LinuxNative.Poll(fds, 2, timeoutMilliseconds);
            if (_stopped || fds[1].REvents != 0)
            {
                return WaitResult.Stopped;
            }

            return ready > 0 ? WaitResult.Ready : WaitResult.TimedOut;
        }
        catch (ObjectDisposedException)
        {
            return WaitResult.Stopped;
        }
        finally
        {
            if (held)
            {
                fd.DangerousRelease();
            }

            if (stopHeld)
            {
                _stop.DangerousRelease();
            }
        }
    }

    public void Stop()
    {
        _stopped = true;
        if (!_stop.IsClosed)
        {
            ulong one = 1;
            _ = LinuxNative.Write(_stop, &one, sizeof(ulong));
        }
    }

    public void Dispose() => _stop.Dispose();
}
