using System.Runtime.InteropServices;

namespace TunnelMesh.Platform.Interop;

/// <summary>A control message with one integer behind it, padded as CMSG_SPACE pads it: cmsghdr of Linux and WSACMSGHDR of Windows, both of 64 bits.</summary>
[StructLayout(LayoutKind.Sequential, Size = 24)]
internal struct IntControl
{
    public nuint Length;
    public int Level;
    public int Type;
    public int Value;
}
