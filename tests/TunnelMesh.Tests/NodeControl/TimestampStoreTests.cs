using CsCheck;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Tests.NodeControl;

public sealed class TimestampStoreTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("tm-time").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void What_is_read_back_is_never_below_what_was_sent() => Gen.Long[0, DateTimeOffset.MaxValue.Ticks - DateTimeOffset.UnixEpoch.Ticks - TimeSpan.TicksPerSecond].Sample(ticks =>
    {
        long back = TimestampStore.ToUnixTicks(TimestampStore.FromUnixTicks(ticks));
        return back >= ticks && back - ticks <= TimeSpan.TicksPerSecond / 50;
    });

    [Fact]
    public async Task The_newest_value_is_on_disk_after_the_end_and_the_next_start_has_it()
    {
        PeerStore store = new(_directory, TimeProvider.System);
        long sent = DateTimeOffset.UnixEpoch.AddYears(60).Ticks - DateTimeOffset.UnixEpoch.Ticks;
        await using (TimestampStore first = new(store, null, new FakeTimeProvider(), e => throw e))
        {
            Assert.Equal(0, first.Load());
            first.Save(sent - 1);
            first.Save(sent);
            Assert.Equal(sent, first.Load());
        }
        await using TimestampStore second = new(store, store.LoadLastTimestamp(), new FakeTimeProvider(), e => throw e);
        Assert.True(second.Load() >= sent);
        Assert.Equal(Tai64n.Size, store.LoadLastTimestamp()!.Length);
    }

    [Fact]
    public async Task A_disk_that_refuses_is_told_and_nothing_else_happens()
    {
        string directory = Path.Combine(_directory, "gone");
        PeerStore store = new(directory, TimeProvider.System);
        Directory.Delete(directory);
        List<Exception> failures = [];
        await using (TimestampStore timestamps = new(store, null, new FakeTimeProvider(), failures.Add))
        {
            timestamps.Save(5);
        }
        Assert.NotEmpty(failures);
    }
}
