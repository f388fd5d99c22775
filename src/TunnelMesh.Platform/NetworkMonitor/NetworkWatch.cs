namespace TunnelMesh.Platform.NetworkMonitor;

/// <summary>
/// Makes the monitor of this system: rtnetlink on Linux, the routing socket on macOS, the IP helper's notices on Windows. Notices only say when to look: what
/// is told is the difference between two looks, so that a lease that was merely renewed, or a link that reports its signal, tells nobody anything.
/// </summary>
public static class NetworkWatch
{
    /// <summary>How long it must be quiet before a change is told: an address comes with several notices.</summary>
    public static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(200);

    /// <summary>How long a change waits at most where it is never quiet.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);

    /// <summary>How often is looked whether the machine has slept: two clocks are read.</summary>
    public static readonly TimeSpan SleepLook = TimeSpan.FromSeconds(1);

    /// <summary>Starts to watch the network of the calling thread.</summary>
    /// <param name="ownInterface">The mesh's own interface, whose changes are ours; null for none.</param>
    /// <param name="failed">Told when the system did not say how it is connected; it is asked again a second later. Any thread.</param>
    /// <param name="time">Clock of the pauses.</param>
    /// <param name="mark">Mark of the mesh's own packets, whose way to the internet is meant; 0 for none. Linux only.</param>
    /// <exception cref="IOException">The system gives no notices, or does not tell how it is connected.</exception>
    /// <exception cref="PlatformNotSupportedException">This operating system is not known.</exception>
    public static INetworkMonitor Start(string? ownInterface, Action<Exception> failed, TimeProvider time, uint mark = 0)
    {
        ArgumentNullException.ThrowIfNull(failed);
        ArgumentNullException.ThrowIfNull(time);
        if (OperatingSystem.IsLinux())
        {
            NetlinkState state = new(mark);
            return new StateMonitor(() => state.Read(ownInterface), notice => DescriptorNotices.OfNetlink(notice), SuspendedTime.Of(new LinuxClocks()), failed, time, state);
        }

        if (OperatingSystem.IsMacOS())
        {
            return new StateMonitor(() => FrameworkState.Read(ownInterface), notice => DescriptorNotices.OfRouteSocket(notice), SuspendedTime.Of(new MacOSClocks()), failed, time);
        }

        if (OperatingSystem.IsWindows())
        {
            return new StateMonitor(() => FrameworkState.Read(ownInterface), notice => new WindowsNotices(new IpNotifications(), notice), SuspendedTime.Of(new WindowsClocks()), failed, time);
        }

        throw new PlatformNotSupportedException("Changes of the network cannot be noticed on this operating system. Run the peer on Linux.");
    }
}
