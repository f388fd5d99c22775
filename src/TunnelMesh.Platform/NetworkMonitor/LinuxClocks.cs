using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.NetworkMonitor;

/// <summary>CLOCK_BOOTTIME and CLOCK_MONOTONIC.</summary>
internal sealed class LinuxClocks : ISystemClocks
{
    public TimeSpan WithSleep => UnixNative.ClockTime(7);

    public TimeSpan WithoutSleep => UnixNative.ClockTime(1);
}
