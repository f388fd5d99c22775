using System.Net;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Platform.NetworkMonitor;

namespace TunnelMesh.Tests.NetworkMonitor;

public sealed class StateMonitorTests : IDisposable
{
    private static readonly InterfaceAddress First = new("eth0", IPAddress.Parse("192.0.2.1")), Second = new("eth0", IPAddress.Parse("192.0.2.2")), Other = new("wlan0", IPAddress.Parse("198.51.100.1"));
    private static readonly DefaultRoute Way = new(IPAddress.Parse("192.0.2.254"), "eth0", First.Address);

    private readonly FakeTimeProvider _time = new();
    private readonly List<NetworkChanges> _told = [];
    private readonly List<Exception> _failures = [];
    private readonly StateMonitor _monitor;
    private NetworkState _state = new([First], Way, null);
    private Exception? _failure;
    private TimeSpan _suspended;
    private Action _notice = () => { };
    private int _looks;

    public StateMonitorTests()
    {
        _monitor = new StateMonitor(
            () =>
            {
                _looks++;
                return _failure is null ? _state : throw _failure;
            },
            notice =>
            {
                _notice = notice;
                return new Listening(() => _notice = () => Assert.Fail("a notice after the end"));
            },
            () => _suspended, _failures.Add, _time);
        _monitor.Changed += _told.Add;
    }

    public void Dispose() => _monitor.Dispose();

    [Fact]
    public void Several_notices_of_one_change_are_told_once_when_it_is_quiet()
    {
        _state = _state with { Addresses = [First, Second] };
        _notice();
        _time.Advance(TimeSpan.FromMilliseconds(150));
        _notice();
        _time.Advance(TimeSpan.FromMilliseconds(199));
        Assert.Empty(_told);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal([NetworkChanges.Addresses], _told);
        Assert.Same(_state, _monitor.State);
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Single(_told);
    }

    [Fact]
    public void Where_it_is_never_quiet_a_change_is_told_after_a_second()
    {
        _state = _state with { V4 = null };
        for (int i = 0; i < 10; i++)
        {
            _notice();
            Assert.Empty(_told);
            _time.Advance(TimeSpan.FromMilliseconds(100));
        }

        Assert.Equal([NetworkChanges.DefaultRoute], _told);
    }

    [Fact]
    public void A_notice_without_a_difference_tells_nothing()
    {
        _state = new([First], Way with { }, null);
        _notice();
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Empty(_told);
        Assert.Equal(2, _looks);
    }

    [Fact]
    public void What_changed_is_named()
    {
        NetworkState before = new([First], Way, null);
        Assert.Equal(NetworkChanges.None, new NetworkState([First], Way, null).Since(before));
        Assert.Equal(NetworkChanges.Addresses, new NetworkState([Second], Way, null).Since(before));
        Assert.Equal(NetworkChanges.Addresses | NetworkChanges.Links, new NetworkState([First, Other], Way, null).Since(before));
        Assert.Equal(NetworkChanges.Addresses | NetworkChanges.Links | NetworkChanges.DefaultRoute, new NetworkState([], null, null).Since(before));
        Assert.Equal(NetworkChanges.DefaultRoute, new NetworkState([First], Way with { InterfaceName = "wlan0" }, null).Since(before));
        Assert.Equal(NetworkChanges.None, new NetworkState([First, Second], null, null).Since(new NetworkState([Second, First], null, null)));
    }

    [Fact]
    public void A_machine_that_slept_is_told_also_where_everything_looks_the_same()
    {
        _suspended = TimeSpan.FromMilliseconds(999);
        _time.Advance(NetworkWatch.SleepLook);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Empty(_told);
        _suspended = TimeSpan.FromHours(7);
        _time.Advance(NetworkWatch.SleepLook);
        _time.Advance(NetworkWatch.Quiet);
        Assert.Equal([NetworkChanges.Resumed], _told);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Single(_told);
    }

    [Fact]
    public void A_look_that_fails_is_told_and_repeated()
    {
        _failure = new IOException("no netlink");
        _state = _state with { Addresses = [Second] };
        _notice();
        _time.Advance(NetworkWatch.Quiet);
        Assert.Single(_failures);
        _failure = null;
        _time.Advance(NetworkWatch.Longest);
        Assert.Equal([NetworkChanges.Addresses], _told);
    }

    [Fact]
    public void Nothing_is_told_after_the_end()
    {
        Action notice = _notice;
        _state = _state with { V4 = null };
        _notice();
        _monitor.Dispose();
        notice();
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Empty(_told);
        Assert.Equal(1, _looks);
    }

    private sealed class Listening(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
