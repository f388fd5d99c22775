using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Processes;

/// <summary>The C library's heap, which TLS and certificates live in.</summary>
public static class NativeHeap
{
    // mallopt(3).
    private const int ArenaMax = -8;

    /// <summary>
    /// Has all threads share one arena. glibc gives each of up to eight threads a processor one of its own, and none takes what another has free: connections that come and go on the threads of a pool
    /// spread over all of them, and the process grows for hours. To be called before anything else. Does nothing where the C library is another.
    /// </summary>
    public static void Share()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        try
        {
            _ = LinuxNative.TuneHeap(ArenaMax, 1);
        }
        catch (EntryPointNotFoundException)
        {
            // musl has one heap anyway.
        }
    }

    /// <summary>Gives pages that are free back to the system (malloc_trim(3)). Does nothing where the C library is another.</summary>
    public static void Trim()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        try
        {
            _ = LinuxNative.TrimHeap(0);
        }
        catch (EntryPointNotFoundException)
        {
            // musl gives them back by itself.
        }
    }
}
