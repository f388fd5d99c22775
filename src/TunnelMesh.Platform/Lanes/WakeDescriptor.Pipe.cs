using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Lanes;

/// <summary>A pipe, for systems without eventfd (macOS). It never holds more than a byte or two, so writing to it never blocks.</summary>
internal sealed unsafe class PipeWake : WakeDescriptor
{
    private readonly SafeFileDescriptor _read;
    private readonly SafeFileDescriptor _write;
    private int _signalled;

    public PipeWake()
    {
        int* ends = stackalloc int[2];
        if (UnixNative.Pipe(ends) != 0)
        {
            throw NoneLeft(Marshal.GetLastPInvokeError());
        }

        (_read, _write) = (new SafeFileDescriptor(ends[0]), new SafeFileDescriptor(ends[1]));
        if (OperatingSystem.IsMacOS())
        {
            MacOSNative.CloseOnExec(_read);
            MacOSNative.CloseOnExec(_write);
        }
    }

    public override SafeFileDescriptor Readable => _read;

    public override void Signal()
    {
        // A signal that is still unread is enough: whoever clears it looks at everything afterwards.
        if (Interlocked.Exchange(ref _signalled, 1) == 0)
        {
            byte one = 1;
            _ = UnixNative.Write(_write, &one, 1);
        }
    }

    public override void Clear()
    {
        // In this order, and with a fence: a signal that comes between the two writes nothing, and what it tells of is seen by whoever looks after this.
        byte one;
        _ = UnixNative.Read(_read, &one, 1);
        Interlocked.Exchange(ref _signalled, 0);
    }

    public override void Dispose()
    {
        _read.Dispose();
        _write.Dispose();
    }
}
