using System.Collections;
using System.Net.WebSockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Coordinator.Registry;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Tests.Coordinator;

public sealed class MapPublisherTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static Reachability At(IReadOnlyList<string> endpoints) => new(endpoints, ["udp"], "1");

    [Fact]
    public async Task A_turn_that_fails_is_not_the_last_and_viewers_then_get_the_whole_map()
    {
        FakeTimeProvider time = new();
        Failures log = new();
        LiveMap map = new("e", 5, NodeControl.NetworkMapTests.Full().Mesh, [LiveMapTests.Row("a", 1)]);
        string id = map.Snapshot().Devices[0].Id;
        int published = 0;
        await using MapPublisher publisher = new(map, () => 0, () => Interlocked.Increment(ref published), time, log);
        map.SetPresence(id, true, 1, At(["192.0.2.1:1"]));
        // From here on it pauses until the clock goes on.
        await UntilAsync(() => Volatile.Read(ref published) == 1, null);
        MapMessage first = publisher.Next(5, out bool behind)!;
        Assert.False(behind);

        Stubborn endpoints = new("192.0.2.2:2");
        map.SetPresence(id, true, 2, At(endpoints));
        endpoints.Refuses = true;
        await UntilAsync(() => log.Count == 1, time);
        endpoints.Refuses = false;
        Assert.Null(publisher.Next(first.Number, out behind));
        Assert.True(behind);
        MapMessage whole = await publisher.FullAsync();
        Assert.Equal(map.Number, whole.Number);
        Assert.Null(publisher.Next(whole.Number, out behind));
        Assert.False(behind);

        map.SetPresence(id, false, 3, null);
        await UntilAsync(() => publisher.Next(whole.Number, out _) is not null, time);
        MapMessage next = publisher.Next(whole.Number, out _)!;
        Assert.Equal((whole.Number, map.Number, WebSocketMessageType.Text), (next.From, next.Number, next.Type));
        Assert.Null(publisher.Next(first.Number, out behind));
        Assert.True(behind);
        Assert.Equal(1, log.Count);
    }

    private static async Task UntilAsync(Func<bool> condition, FakeTimeProvider? time)
    {
        while (!condition())
        {
            time?.Advance(TimeSpan.FromMilliseconds(500));
            await Task.Delay(1, Cancel);
        }
    }

    /// <summary>A list that for a while cannot be gone through, and so not encoded.</summary>
    private sealed class Stubborn(params string[] items) : IReadOnlyList<string>
    {
        private volatile bool _refuses;

        public bool Refuses
        {
            get => _refuses;
            set => _refuses = value;
        }

        public int Count => items.Length;

        public string this[int index] => items[index];

        public IEnumerator<string> GetEnumerator() => _refuses ? throw new InvalidOperationException("cannot be encoded") : ((IEnumerable<string>)items).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }

    private sealed class Failures : ILogger
    {
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Interlocked.Increment(ref _count);
    }
}
