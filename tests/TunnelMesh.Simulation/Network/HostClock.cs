namespace TunnelMesh.Simulation.Network;

/// <summary>
/// A machine's clocks: timestamps that run with the world, from a start of their own, and a wall clock that can be set.
/// </summary>
internal sealed class HostClock(VirtualWorld world, TimeSpan uptime) : TimeProvider
{
    private static readonly DateTimeOffset Beginning = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>How far the wall clock is from the true time.</summary>
    public TimeSpan WallOffset { get; set; }

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override long GetTimestamp() => (world.Now + uptime).Ticks;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => Beginning + world.Now + WallOffset;

    /// <summary>The world's time of a timestamp of this clock; <see cref="long.MaxValue"/> is never.</summary>
    public TimeSpan? ToWorld(long timestamp) => timestamp == long.MaxValue ? null : TimeSpan.FromTicks(timestamp) - uptime;
}
