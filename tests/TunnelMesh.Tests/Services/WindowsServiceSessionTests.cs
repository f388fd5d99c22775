using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Platform.Services;

namespace TunnelMesh.Tests.Services;

public sealed class WindowsServiceSessionTests : IDisposable
{
    private readonly List<WindowsServiceStatus> _told = [];
    private readonly FakeTimeProvider _time = new();
    private readonly WindowsServiceSession _session;

    public WindowsServiceSessionTests() => _session = new(_told.Add, _time);

    private IEnumerable<WindowsServiceState> States => _told.Select(s => s.State);

    public void Dispose() => _session.Dispose();

    [Fact]
    public void It_starts_runs_and_stops_in_order()
    {
        _session.Ready("here");
        Assert.Equal(WindowsServiceSession.Handled, _session.Control(WindowsServiceSession.ControlStop));
        Assert.True(_session.Stop.WaitHandle.WaitOne(TimeSpan.FromSeconds(30)));
        // The peer says so, too.
        _session.Stopping();
        _session.Stopped(0);
        Assert.Equal([WindowsServiceState.StartPending, WindowsServiceState.Running, WindowsServiceState.StopPending, WindowsServiceState.Stopped], States);
        Assert.Equal([false, true, false, false], _told.Select(s => s.AcceptsStop));
        Assert.True(_session.WasTold);
    }

    [Fact]
    public void It_lives_while_it_starts_and_while_it_stops_and_is_quiet_while_it_runs()
    {
        _time.Advance(2 * WindowsServiceSession.Beat);
        Assert.Equal([1, 2, 3], _told.Select(s => s.CheckPoint));
        Assert.All(_told, s => Assert.InRange(s.WaitHint, 2 * (int)WindowsServiceSession.Beat.TotalMilliseconds, 60_000));
        _session.Ready("here");
        int before = _told.Count;
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(before, _told.Count);
        _session.Control(WindowsServiceSession.ControlShutdown);
        _time.Advance(WindowsServiceSession.Beat);
        Assert.Equal([(WindowsServiceState.StopPending, 1), (WindowsServiceState.StopPending, 2)], _told.Skip(before).Select(s => (s.State, s.CheckPoint)));
        _session.Stopped(0);
        before = _told.Count;
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(before, _told.Count);
    }

    [Fact]
    public void Who_is_told_to_stop_while_it_starts_does_not_run_any_more()
    {
        _session.Control(WindowsServiceSession.ControlStop);
        _session.Ready("late");
        _session.Stopped(0);
        _session.Ready("later");
        _session.Stopping();
        _session.Stopped(3);
        Assert.Equal([WindowsServiceState.StartPending, WindowsServiceState.StopPending, WindowsServiceState.Stopped], States);
    }

    [Fact]
    public void A_start_that_takes_too_long_is_ended()
    {
        _time.Advance(WindowsServiceSession.StartPatience - WindowsServiceSession.Beat);
        Assert.False(_session.IsLate);
        _time.Advance(WindowsServiceSession.Beat);
        Assert.True(_session.IsLate);
        Assert.True(_session.Stop.WaitHandle.WaitOne(TimeSpan.FromSeconds(30)));
        Assert.Equal(WindowsServiceState.StopPending, _told[^1].State);
        Assert.False(_session.WasTold);
    }

    [Fact]
    public void A_failure_is_told_by_its_code()
    {
        _session.Stopped(6);
        Assert.Equal(new WindowsServiceStatus(WindowsServiceState.Stopped, ExitCode: 6), _told[^1]);
    }

    [Fact]
    public void Who_asks_is_told_the_state_and_controls_that_nobody_asked_for_are_refused()
    {
        _session.Ready("here");
        Assert.Equal(WindowsServiceSession.Handled, _session.Control(WindowsServiceSession.ControlInterrogate));
        Assert.Equal(_told[^2], _told[^1]);
        Assert.Equal(WindowsServiceSession.NotImplemented, _session.Control(2));
        Assert.False(_session.Stop.IsCancellationRequested);
    }
}
