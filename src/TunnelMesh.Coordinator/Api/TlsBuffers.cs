using System.Net.Security;
using System.Reflection;
using System.Runtime.InteropServices;

namespace TunnelMesh.Coordinator.Api;

/// <summary>
/// Lets OpenSSL give its read and write buffers back while a connection is idle (SSL_CTX_set_mode(3), SSL_MODE_RELEASE_BUFFERS):
/// 33 KB less for each stream. The framework neither sets the mode nor hands out the connection, so this asks for a field of
/// <see cref="SslStream"/>; where there is none, or the library is another one, everything stays as it was.
/// </summary>
internal static unsafe partial class TlsBuffers
{
    private const int SetMode = 33, LoadedOnly = 0x4 | 0x1;
    private const nint ReleaseBuffers = 0x10;

    private static readonly FieldInfo? Context = OperatingSystem.IsLinux()
        ? typeof(SslStream).GetField("_securityContext", BindingFlags.NonPublic | BindingFlags.Instance)
        : null;

    // Asked for at the first connection: by then the framework has loaded its library.
    private static readonly Lazy<nint> Control = new(FindControl);

    /// <summary>Sets the mode for one connection. Call it after the handshake, before anyone else reads or writes.</summary>
    /// <returns>False when it cannot be set; the connection works all the same.</returns>
    internal static bool ReleaseWhenIdle(SslStream stream)
    {
        // The name tells that the handle is an SSL* of OpenSSL.
        if (Context?.GetValue(stream) is not SafeHandle { IsInvalid: false, IsClosed: false } ssl || ssl.GetType().Name != "SafeSslHandle" || Control.Value == 0)
        {
            return false;
        }
        bool held = false;
        try
        {
            ssl.DangerousAddRef(ref held);
            return (((delegate* unmanaged<nint, int, nint, nint, nint>)Control.Value)(ssl.DangerousGetHandle(), SetMode, ReleaseBuffers, 0) & ReleaseBuffers) != 0;
        }
        finally
        {
            if (held)
            {
                ssl.DangerousRelease();
            }
        }
    }

    // Only a library that is loaded already, and only when there is one: a handle of one must not reach another.
    private static nint FindControl()
    {
        nint three = Open("libssl.so.3", LoadedOnly), one = Open("libssl.so.1.1", LoadedOnly);
        nint library = three == 0 ? one : one == 0 ? three : 0;
        return library != 0 && NativeLibrary.TryGetExport(library, "SSL_ctrl", out nint control) ? control : 0;
    }

    [LibraryImport("libc", EntryPoint = "dlopen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint Open(string file, int flags);
}
