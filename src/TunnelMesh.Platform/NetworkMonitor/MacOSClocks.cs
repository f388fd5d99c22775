using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.NetworkMonitor;

/// <summary>CLOCK_MONOTONIC_RAW, which goes on asleep, and CLOCK_UPTIME_RAW; both run at the same rate.</summary>
internal sealed class MacOSClocks : ISystemClocks
{
    public TimeSpan WithSleep => UnixNative.ClockTime(4);

    public TimeSpan WithoutSleep => UnixNative.ClockTime(8);
}
