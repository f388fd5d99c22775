using Microsoft.Win32.SafeHandles;

namespace TunnelMesh.Platform.Interop;

/// <summary>An owned Unix file descriptor; closed once nothing uses it any more.</summary>
internal sealed class SafeFileDescriptor : SafeHandleMinusOneIsInvalid
{
    public SafeFileDescriptor()
        : base(ownsHandle: true)
    {
    }

    public SafeFileDescriptor(int fd)
        : this() => SetHandle(fd);

    protected override bool ReleaseHandle() => UnixNative.Close((int)handle) == 0;
}
