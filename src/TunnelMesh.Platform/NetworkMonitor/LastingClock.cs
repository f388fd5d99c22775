namespace TunnelMesh.Platform.NetworkMonitor;

/// <summary>A clock whose timestamps go on while the machine sleeps, which those of the framework do not everywhere. For what ends after a time of the world's. The time of day and timers are the system's, so a timer is late by the sleep. Any thread.</summary>
public sealed class LastingClock : TimeProvider
{
    private readonly ISystemClocks _clocks;

    internal LastingClock(ISystemClocks clocks) => _clocks = clocks;

    /// <summary>That of this system; the framework's where it has none.</summary>
    public static TimeProvider OfThisSystem { get; } = Of(OperatingSystem.IsLinux() ? new LinuxClocks() : OperatingSystem.IsMacOS() ? new MacOSClocks() : OperatingSystem.IsWindows() ? new WindowsClocks() : null);

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override long GetTimestamp() => _clocks.WithSleep.Ticks;

    internal static TimeProvider Of(ISystemClocks? clocks) => clocks is not null && clocks.WithSleep > TimeSpan.Zero ? new LastingClock(clocks) : System;
}
