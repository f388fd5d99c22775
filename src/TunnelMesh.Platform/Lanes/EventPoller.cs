using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Lanes;

/// <summary>
/// Waits for the events of two Windows devices. An event says only that something arrived since its device was found empty, and a
/// wait for several resets just one; so whichever comes, both devices are to be looked at, which costs little where nothing is.
/// </summary>
internal sealed class EventPoller : LanePoller
{
    private readonly AutoResetEvent _wake = new(false);
    private readonly IEventOwner _tun;
    private readonly IEventOwner _socket;
    private readonly WaitHandle[] _handles;

    public EventPoller(IEventOwner tun, IEventOwner socket)
    {
        (_tun, _socket) = (tun, socket);
        _handles = [_wake, tun.Arrived, socket.Arrived];
    }

    public override LaneEvents Wait(int timeoutMilliseconds)
    {
        bool more = _tun.MayHaveMore || _socket.MayHaveMore;
        int index = WaitHandle.WaitAny(_handles, more ? 0 : timeoutMilliseconds);
        LaneEvents events = index == 0 ? LaneEvents.Woken : LaneEvents.None;
        return more || index is 1 or 2 ? events | LaneEvents.Packets | LaneEvents.Datagrams : events;
    }

    public override void Wake()
    {
        try
        {
            _wake.Set();
        }
        catch (ObjectDisposedException)
        {
            // The lane has ended meanwhile: there is nobody to wake.
        }
    }

    protected override void Dispose(bool disposing) => _wake.Dispose();
}
