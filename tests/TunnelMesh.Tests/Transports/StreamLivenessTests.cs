using TunnelMesh.Node.Transports.Ssh;

namespace TunnelMesh.Tests.Transports;

public sealed class StreamLivenessTests
{
    private static StreamHealth Judge(double now, double heard, double sent, double? beat = null) =>
        StreamLiveness.Judge(TimeProvider.System, At(now), At(heard), At(sent), beat is { } b ? At(b) : null);

    private static long At(double seconds) => (long)(seconds * TimeProvider.System.TimestampFrequency);

    [Fact]
    public void A_heart_beats_a_second_after_datagrams_without_an_answer_and_after_a_long_silence()
    {
        Assert.Equal(StreamHealth.Fine, Judge(now: 10.9, heard: 10, sent: 10.5));
        Assert.Equal(StreamHealth.Quiet, Judge(now: 11, heard: 10, sent: 10.5));
        Assert.Equal(StreamHealth.Fine, Judge(now: 24.9, heard: 10, sent: 9));
        Assert.Equal(StreamHealth.Quiet, Judge(now: 25, heard: 10, sent: 9));
    }

    [Fact]
    public void Without_an_answer_or_anything_else_a_stream_is_dead_after_four_seconds()
    {
        Assert.Equal(StreamHealth.Fine, Judge(now: 14.9, heard: 5, sent: 12, beat: 11));
        Assert.Equal(StreamHealth.Dead, Judge(now: 15, heard: 5, sent: 12, beat: 11));
        Assert.Equal(StreamHealth.Fine, Judge(now: 15, heard: 12, sent: 12, beat: 11));
        Assert.Equal(StreamHealth.Dead, Judge(now: 16, heard: 12, sent: 12, beat: 11));
    }

    [Fact]
    public void A_stream_that_only_hears_is_dead_after_fifteen_seconds()
    {
        Assert.Equal(StreamHealth.Fine, Judge(now: 25.9, heard: 25.8, sent: 25.8, beat: 11));
        Assert.Equal(StreamHealth.Dead, Judge(now: 26, heard: 25.9, sent: 25.9, beat: 11));
    }
}
