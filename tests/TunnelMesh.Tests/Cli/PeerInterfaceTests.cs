using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Tests.Cli;

public sealed class PeerInterfaceTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10), Hour = TimeSpan.FromHours(1);
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(50));
    private readonly Lines _log = new();
    private readonly PlayedTun _tun = new();

    public void Dispose() => _tun.Dispose();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // Three looks: one may have begun before this was called, and the last may not have been noted yet.
    private async Task LookAsync(TimeSpan pass)
    {
        int seen = _tun.Looks + 3;
        _time.Advance(pass);
        for (long start = TimeProvider.System.GetTimestamp(); _tun.Looks < seen; await Task.Delay(1, Cancel))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(start) < Patience, "nobody looks");
            _time.Advance(TimeSpan.FromMilliseconds(200));
        }
    }

    [Fact]
    public async Task What_was_put_back_is_counted_each_time_told_once_an_hour_and_passed_on()
    {
        int passed = 0;
        await using PeerInterface kept = new(_tun, _log, _time, lookedAfter: true);
        kept.PutBack += () => Interlocked.Increment(ref passed);
        await LookAsync(TimeSpan.Zero);
        Assert.Equal((0, null), (kept.Describe().Restored, kept.Describe().Problem));
        for (int i = 0; i < 3; i++)
        {
            _tun.Next.Enqueue(new TunLook(["up", "fd12::3"], null));
            await LookAsync(TimeSpan.Zero);
        }

        Assert.Equal((3, 3), (kept.Describe().Restored, passed));
        string line = Assert.Single(_log.Written);
        Assert.Contains("interface=tun-mesh0 put_back=up, fd12::3", line, StringComparison.Ordinal);
        _tun.Next.Enqueue(new TunLook(["up"], null));
        await LookAsync(Hour);
        Assert.Equal(2, _log.Written.Count);
        Assert.Equal(4, kept.Describe().Restored);
    }

    [Fact]
    public async Task What_cannot_be_put_back_is_shown_while_it_is_so_and_told_once_however_it_comes_and_goes()
    {
        await using PeerInterface kept = new(_tun, _log, _time, lookedAfter: true);
        for (int i = 0; i < 3; i++)
        {
            _tun.Standing = new TunLook([], "IPv6 is off.");
            await LookAsync(TimeSpan.Zero);
            Assert.Equal("IPv6 is off.", kept.Describe().Problem);
            _tun.Standing = TunLook.Whole;
            await LookAsync(TimeSpan.Zero);
            Assert.Null(kept.Describe().Problem);
        }

        Assert.Equal((0, 1), (kept.Describe().Restored, _log.Written.Count(l => l.EndsWith("interface=tun-mesh0: IPv6 is off.", StringComparison.Ordinal))));
        _tun.Standing = new TunLook([], "IPv6 is off.");
        await LookAsync(Hour);
        Assert.Equal(2, _log.Written.Count);
    }

    [Fact]
    public async Task A_notice_of_the_system_has_it_looked_at_without_a_pause_and_the_end_ends_both()
    {
        PeerInterface kept = new(_tun, _log, _time, lookedAfter: true);
        await LookAsync(TimeSpan.Zero);
        int before = _tun.Looks;
        for (long start = TimeProvider.System.GetTimestamp(); _tun.Looks == before; await Task.Delay(1, Cancel))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(start) < Patience, "the notice has no effect");
            _tun.Notice!();
            // The pause between two looks, which is far less than the time after which it is looked at anyway.
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }

        await kept.DisposeAsync();
        Assert.Null(_tun.Notice);
        before = _tun.Looks;
        _time.Advance(Hour);
        Assert.Equal(before, _tun.Looks);
    }

    [Fact]
    public async Task Where_the_system_cannot_be_asked_nothing_is_looked_at()
    {
        await using PeerInterface kept = new(_tun, _log, _time, lookedAfter: false);
        _time.Advance(Hour);
        Assert.Equal((0, 1400, "tun-mesh0"), (_tun.Looks, kept.Describe().Mtu, kept.Describe().Name));
    }

    private sealed class PlayedTun : ITunDevice
    {
        private int _looks;

        public ConcurrentQueue<TunLook> Next { get; } = new();

        public TunLook Standing { get; set; } = TunLook.Whole;

        public Action? Notice { get; private set; }

        public int Looks => Volatile.Read(ref _looks);

        public string Name => "tun-mesh0";

        public int Mtu => 1400;

        public IReadOnlyList<TunAddress> Addresses => [];

        public TunLook Restore()
        {
            TunLook look = Next.TryDequeue(out TunLook? next) ? next : Standing;
            Interlocked.Increment(ref _looks);
            return look;
        }

        public IDisposable? Watch(Action notice)
        {
            Notice = notice;
            return new Watched(() => Notice = null);
        }

        public int Read(Span<byte> buffer) => 0;

        public bool Write(ReadOnlySpan<byte> packet) => true;

        public void Dispose()
        {
        }
    }

    private sealed class Watched(Action end) : IDisposable
    {
        public void Dispose() => end();
    }

    private sealed class Lines : ILogger
    {
        public ConcurrentQueue<string> Written { get; } = new();

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Written.Enqueue(formatter(state, exception));
    }
}
