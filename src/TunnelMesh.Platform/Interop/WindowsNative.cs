using System.Globalization;
using System.Runtime.InteropServices;

namespace TunnelMesh.Platform.Interop;

/// <summary>Values of Windows that several classes need (winerror.h, ws2def.h).</summary>
internal static class WindowsNative
{
    public const int AfInet6 = 23;
    public const int FileNotFound = 2, AccessDenied = 5, InvalidData = 13, HandleEof = 38, NotSupported = 50, DuplicateName = 52, AlreadyExists = 183;
    public const int NoMoreItems = 259, NotFound = 1168, ObjectAlreadyExists = 5010;

    /// <summary>The system's words for an error.</summary>
    public static string Describe(int error) =>
        Marshal.GetPInvokeErrorMessage(error).TrimEnd('.', ' ') + " (error " + error.ToString(CultureInfo.InvariantCulture) + ")";
}
