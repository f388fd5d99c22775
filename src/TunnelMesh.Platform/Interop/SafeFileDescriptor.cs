using System.Runtime.InteropServices;

namespace TunnelMesh.Platform.Interop;

/// <summary>An owned Unix file descriptor; closed once nothing uses it any more.</summary>
internal sealed class SafeFileDescriptor : SafeHandle
{
    public SafeFileDescriptor()
        : base(invalidHandleValue: -1, ownsHandle: true)
    {
    }

    public SafeFileDescriptor(int fd)
        : this() => SetHandle(fd);

    // A descriptor is an int, and the other half of the register it is returned in means nothing: -1 may arrive as 0x00000000FFFFFFFF.
    public override bool IsInvalid => (int)handle < 0;

    protected override bool ReleaseHandle() => UnixNative.Close((int)handle) == 0;
}
