using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Lanes;

/// <summary>eventfd(2).</summary>
internal sealed unsafe class EventWake : WakeDescriptor
{
    private readonly SafeFileDescriptor _event = LinuxNative.EventFd(0, LinuxNative.OCloExec | LinuxNative.ONonBlock);

    public EventWake()
    {
        if (_event.IsInvalid)
        {
            throw NoneLeft(Marshal.GetLastPInvokeError());
        }
    }

    public override SafeFileDescriptor Readable => _event;

    public override void Signal()
    {
        ulong one = 1;
        _ = UnixNative.Write(_event, &one, sizeof(ulong));
    }

    public override void Clear()
    {
        ulong count;
        _ = UnixNative.Read(_event, &count, sizeof(ulong));
    }

    public override void Dispose() => _event.Dispose();
}
