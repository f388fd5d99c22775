using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Platform.Lanes;

/// <summary>Waits for the devices of one thread of a lane, a TUN, a UDP socket or both together. One thread waits, any may wake it.</summary>
public abstract class LanePoller : IDisposable
{
    /// <summary>Makes a poller for devices, which stay the caller's and outlive it.</summary>
    /// <param name="tun">The TUN device; null to leave it to another thread.</param>
    /// <param name="socket">The socket; null to leave it to another thread.</param>
    /// <exception cref="PlatformNotSupportedException">The devices are not of this operating system.</exception>
    /// <exception cref="IOException">The system has no descriptor left.</exception>
    public static LanePoller Create(ITunDevice? tun, IUdpSocket? socket) => (tun, socket) switch
    {
        (IDescriptorOwner or null, IDescriptorOwner or null) =>
            new DescriptorPoller((tun as IDescriptorOwner)?.Descriptor, (socket as IDescriptorOwner)?.Descriptor, WakeDescriptor.Create()),
        (IEventOwner or null, IEventOwner or null) => new EventPoller(tun as IEventOwner, socket as IEventOwner),
        _ => throw new PlatformNotSupportedException("These devices cannot be waited for together: they are not of one operating system."),
    };

    /// <summary>Sleeps until a device is readable or somebody wakes it.</summary>
    /// <param name="timeoutMilliseconds">-1 waits without end, 0 only looks.</param>
    public abstract LaneEvents Wait(int timeoutMilliseconds);

    /// <summary>Ends the present wait, or the next one. Any thread, also after <see cref="Dispose()"/>.</summary>
    public abstract void Wake();

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives back what the system lent.</summary>
    /// <param name="disposing">True when called by <see cref="Dispose()"/>.</param>
    protected abstract void Dispose(bool disposing);
}
