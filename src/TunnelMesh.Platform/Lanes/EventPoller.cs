using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Lanes;

/// <summary>
/// Waits for the events of one or two Windows devices. An event says only that something arrived since its device was found empty, and a
/// wait for several resets just one; so whichever comes, both devices are to be looked at, which costs little where nothing is.
/// </summary>
internal sealed class EventPoller : LanePoller
{
    private readonly AutoResetEvent _wake = new(false);
    private readonly IEventOwner[] _devices;
    private readonly WaitHandle[] _handles;
    private readonly LaneEvents _all;

    public EventPoller(IEventOwner? tun, IEventOwner? socket)
    {
        _devices = [.. new[] { tun, socket }.OfType<IEventOwner>()];
        _handles = [_wake, .. _devices.Select(d => d.Arrived)];
        _all = (tun is null ? 0 : LaneEvents.Packets) | (socket is null ? 0 : LaneEvents.Datagrams);
    }

    public override LaneEvents Wait(int timeoutMilliseconds)
    {
        bool more = false;
        foreach (IEventOwner device in _devices)
        {
            more |= device.MayHaveMore;
        }

        int index = WaitHandle.WaitAny(_handles, more ? 0 : timeoutMilliseconds);
        LaneEvents events = index == 0 ? LaneEvents.Woken : LaneEvents.None;
        return more || index is 1 or 2 ? events | _all : events;
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
