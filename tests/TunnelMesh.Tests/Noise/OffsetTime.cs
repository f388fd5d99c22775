using Microsoft.Extensions.Time.Testing;

namespace TunnelMesh.Tests.Noise;

/// <summary>A device's own view of shared virtual time: the timestamps run on, the wall clock can be set.</summary>
internal sealed class OffsetTime(FakeTimeProvider shared) : TimeProvider
{
    public TimeSpan Offset { get; set; }

    public override long TimestampFrequency => shared.TimestampFrequency;

    public override long GetTimestamp() => shared.GetTimestamp();

    public override DateTimeOffset GetUtcNow() => shared.GetUtcNow() + Offset;
}
