using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.Sessions;

namespace TunnelMesh.Tests.Sessions;

public class RoundTripMeterTests
{
    [Fact]
    public void Only_the_open_challenge_measures_and_quiet_tunnels_are_not_probed()
    {
        var time = new FakeTimeProvider();
        var meter = new RoundTripMeter(time);
        Assert.False(meter.IsDue(time.GetTimestamp(), time.GetTimestamp()));
        meter.Request();
        Assert.True(meter.IsDue(time.GetTimestamp(), null));
        meter.NoteSent(7, time.GetTimestamp());
        time.Advance(TimeSpan.FromMilliseconds(12));
        Assert.False(meter.NoteEcho(8, time.GetTimestamp()));
        Assert.True(meter.NoteEcho(7, time.GetTimestamp()));
        Assert.False(meter.NoteEcho(7, time.GetTimestamp()));
        Assert.Equal(TimeSpan.FromMilliseconds(12), meter.RoundTrip);
        long data = time.GetTimestamp();
        time.Advance(TimeSpan.FromSeconds(24));
        Assert.False(meter.IsDue(time.GetTimestamp(), data));
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.False(meter.IsDue(time.GetTimestamp(), data));
        Assert.True(meter.IsDue(time.GetTimestamp(), time.GetTimestamp()));
    }
}
