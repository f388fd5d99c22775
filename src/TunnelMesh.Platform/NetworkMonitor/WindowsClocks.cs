using System.Runtime.InteropServices;

namespace TunnelMesh.Platform.NetworkMonitor;

/// <summary>The interrupt time, and the unbiased one; both in units of 100 ns.</summary>
internal sealed unsafe partial class WindowsClocks : ISystemClocks
{
    public TimeSpan WithSleep
    {
        get
        {
            ulong ticks;
            QueryInterruptTime(&ticks);
            return TimeSpan.FromTicks((long)ticks);
        }
    }

    public TimeSpan WithoutSleep
    {
        get
        {
            ulong ticks;
            _ = QueryUnbiasedInterruptTime(&ticks);
            return TimeSpan.FromTicks((long)ticks);
        }
    }

    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    [LibraryImport("api-ms-win-core-realtime-l1-1-1.dll", EntryPoint = "QueryInterruptTime")]
    private static partial void QueryInterruptTime(ulong* ticks);

    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    [LibraryImport("kernel32.dll", EntryPoint = "QueryUnbiasedInterruptTime")]
    private static partial int QueryUnbiasedInterruptTime(ulong* ticks);
}
