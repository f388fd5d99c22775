namespace TunnelMesh.Platform.Interop;

/// <summary>Values of Windows that several classes need.</summary>
internal static class WindowsNative
{
    public const int AfInet6 = 23;
}
