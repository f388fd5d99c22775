using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Platform.Lanes;

/// <summary>Waits for any of many UDP sockets. One thread waits, any may wake it.</summary>
public abstract class SocketPoller : IDisposable
{
    /// <summary>Makes a poller for the sockets of this system.</summary>
    /// <exception cref="IOException">The system has no descriptor left.</exception>
    public static SocketPoller Create() => OperatingSystem.IsWindows() ? new EventSocketPoller() : new DescriptorSocketPoller(WakeDescriptor.Create());

    /// <summary>Sleeps until a socket may be readable or somebody wakes it.</summary>
    /// <param name="sockets">The sockets; not closed meanwhile.</param>
    /// <param name="ready">Receives which are; as long as <paramref name="sockets"/>.</param>
    /// <param name="timeoutMilliseconds">-1 waits without end, 0 only looks.</param>
    public abstract void Wait(ReadOnlySpan<IUdpSocket> sockets, Span<bool> ready, int timeoutMilliseconds);

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
