using Microsoft.Extensions.Time.Testing;

namespace TunnelMesh.Tests.NodeFilter;

/// <summary>Timestamps that go on while those of another clock stand still, since the machine sleeps.</summary>
internal sealed class SleepingTime(FakeTimeProvider awake) : TimeProvider
{
    public TimeSpan Slept { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => awake.GetTimestamp() + Slept.Ticks;
}
