using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.Lanes;
using TunnelMesh.Tests.Shared;

namespace TunnelMesh.Tests.Lanes;

public sealed class EventPollerTests : IDisposable
{
    // Long enough for a machine under load; only a test that fails waits for it.
    private const int Patience = 30_000;
    private const LaneEvents Both = LaneEvents.Packets | LaneEvents.Datagrams;
    private readonly Device _tun = new();
    private readonly Device _socket = new();
    private readonly EventPoller _poller;

    public EventPollerTests() => _poller = new EventPoller(_tun, _socket);

    public void Dispose()
    {
        _poller.Dispose();
        _tun.Dispose();
        _socket.Dispose();
    }

    [Fact]
    public void An_event_of_either_device_sends_to_both_and_is_told_once()
    {
        Assert.Equal(LaneEvents.None, _poller.Wait(0));
        _tun.Event.Set();
        Assert.Equal(Both, _poller.Wait(Patience));
        _socket.Event.Set();
        Assert.Equal(Both, _poller.Wait(Patience));
        Assert.Equal(LaneEvents.None, _poller.Wait(0));
    }

    [Fact]
    public void A_device_that_was_not_found_empty_is_not_waited_for()
    {
        _socket.MayHaveMore = true;
        Assert.Equal(Both, _poller.Wait(Patience));
        Assert.Equal(Both, _poller.Wait(Patience));
        _poller.Wake();
        Assert.Equal(Both | LaneEvents.Woken, _poller.Wait(Patience));
    }

    [Fact]
    public void A_call_is_told_at_once_and_hides_no_event()
    {
        _poller.Wake();
        _poller.Wake();
        _tun.Event.Set();
        Assert.Equal(LaneEvents.Woken, _poller.Wait(Patience));
        Assert.Equal(Both, _poller.Wait(Patience));
        Assert.Equal(LaneEvents.None, _poller.Wait(0));
        _poller.Dispose();
        _poller.Wake();
    }

    [Fact]
    public void Waiting_allocates_nothing()
    {
        Assert.Equal(0, Allocations.Least(Round));

        void Round()
        {
            for (int i = 0; i < 100; i++)
            {
                _tun.Event.Set();
                _poller.Wait(Patience);
                _poller.Wait(0);
            }
        }
    }

    private sealed class Device : IEventOwner, IDisposable
    {
        public AutoResetEvent Event { get; } = new(false);

        public WaitHandle Arrived => Event;

        public bool MayHaveMore { get; set; }

        public void Dispose() => Event.Dispose();
    }
}
