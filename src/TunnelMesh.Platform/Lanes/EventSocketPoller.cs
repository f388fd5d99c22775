using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Platform.Lanes;

/// <summary>
/// Waits for the events of Windows sockets. No more than 64 can be waited for at once: beyond, and that is for the seconds of an attempt only, all sockets are looked at every 10 ms.
/// </summary>
internal sealed class EventSocketPoller : SocketPoller
{
    private const int MaxHandles = 64, LookMilliseconds = 10;

    private readonly AutoResetEvent _wake = new(false);
    private WaitHandle[] _handles = [];

    public override void Wait(ReadOnlySpan<IUdpSocket> sockets, Span<bool> ready, int timeoutMilliseconds)
    {
        // An event says only that something came since its socket was found empty, so all are to be looked at.
        ready.Fill(true);
        bool few = sockets.Length < MaxHandles, more = false;
        int wanted = few ? sockets.Length + 1 : 1;
        if (_handles.Length != wanted)
        {
            _handles = new WaitHandle[wanted];
        }

        _handles[0] = _wake;
        for (int i = 0; i < sockets.Length; i++)
        {
            var owner = (IEventOwner)sockets[i];
            more |= owner.MayHaveMore;
            if (few)
            {
                _handles[i + 1] = owner.Arrived;
            }
        }

        WaitHandle.WaitAny(_handles, few ? (more ? 0 : timeoutMilliseconds) : LookMilliseconds);
    }

    public override void Wake()
    {
        try
        {
            _wake.Set();
        }
        catch (ObjectDisposedException)
        {
            // There is nobody to wake any more.
        }
    }

    protected override void Dispose(bool disposing) => _wake.Dispose();
}
