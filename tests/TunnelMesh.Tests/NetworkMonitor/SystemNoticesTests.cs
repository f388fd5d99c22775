using TunnelMesh.Platform.NetworkMonitor;
using TunnelMesh.Tests.Tun;

namespace TunnelMesh.Tests.NetworkMonitor;

public class SystemNoticesTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [Fact]
    public void A_thread_reads_a_socket_and_ends_when_it_is_told_to()
    {
        // The other end of a pair of sockets plays the system.
        using DatagramPair pair = new();
        using SemaphoreSlim heard = new(0);
        using (new DescriptorNotices(pair.Device, message => message[0] == 1, () => heard.Release(), dontWait: OperatingSystem.IsMacOS() ? 0x80 : 0x40))
        {
            pair.KernelWrites([2]);
            pair.KernelWrites([1]);
            Assert.True(heard.Wait(Patience, TestContext.Current.CancellationToken));
            pair.KernelWrites([1]);
            Assert.True(heard.Wait(Patience, TestContext.Current.CancellationToken));
        }

        Assert.Equal(0, heard.CurrentCount);
    }

    [Fact]
    public unsafe void Windows_calls_back_until_it_is_cancelled()
    {
        FakeNotifications system = new();
        int heard = 0;
        using (new WindowsNotices(system, () => heard++))
        {
            Assert.Equal(3, system.Registered.Count);
            system.CallAll();
            Assert.Equal(3, heard);
        }

        Assert.Equal([1, 2, 3], system.Cancelled);
    }

    [Fact]
    public unsafe void What_Windows_refuses_is_told_and_nothing_staysRegistered()
    {
        FakeNotifications system = new() { RefuseFrom = 3 };
        IOException e = Assert.Throws<IOException>(() => new WindowsNotices(system, () => { }));
        Assert.Contains("error 5", e.Message, StringComparison.Ordinal);
        Assert.Equal([1, 2], system.Cancelled);
    }

    [Fact]
    public void The_time_asleep_is_the_difference_of_two_clocks_read_close_together()
    {
        FakeClocks clocks = new() { Asleep = TimeSpan.FromHours(3) };
        Assert.Equal(TimeSpan.FromHours(3), SuspendedTime.Read(clocks));
        // The thread is held up for two seconds once, then no more.
        clocks.HoldUp = TimeSpan.FromSeconds(2);
        Assert.Equal(TimeSpan.FromHours(3), SuspendedTime.Read(clocks));
    }

    [Fact]
    public void The_clocks_of_this_system_run()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the clocks of Linux");
        LinuxClocks clocks = new();
        TimeSpan without = clocks.WithoutSleep;
        Assert.True(without > TimeSpan.Zero);
        Assert.True(clocks.WithSleep >= without);
        Assert.InRange(SuspendedTime.Read(clocks) - SuspendedTime.Read(clocks), TimeSpan.FromSeconds(-0.5), TimeSpan.FromSeconds(0.5));
    }

    [Fact]
    public void A_clock_that_lasts_goes_on_while_the_machine_sleeps()
    {
        FakeClocks clocks = new() { Asleep = TimeSpan.FromHours(3) };
        TimeProvider clock = LastingClock.Of(clocks);
        long before = clock.GetTimestamp();
        clocks.Asleep += TimeSpan.FromHours(8);
        Assert.InRange(clock.GetElapsedTime(before), TimeSpan.FromHours(8), TimeSpan.FromHours(8) + TimeSpan.FromMinutes(1));
        // A system that has no such clock says zero, and rules would never end by it.
        Assert.Same(TimeProvider.System, LastingClock.Of(null));
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the clocks of Linux");
        Assert.IsType<LastingClock>(LastingClock.OfThisSystem);
    }

    private sealed unsafe class FakeNotifications : IIpNotifications
    {
        public List<(nint Callback, nint Context)> Registered { get; } = [];

        public List<nint> Cancelled { get; } = [];

        public int RefuseFrom { get; init; } = int.MaxValue;

        public void CallAll()
        {
            foreach ((nint callback, nint context) in Registered)
            {
                ((delegate* unmanaged<void*, void*, int, void>)callback)((void*)context, null, 0);
            }
        }

        public int OnInterfaces(delegate* unmanaged<void*, void*, int, void> callback, void* context, out nint handle) => Register(callback, context, out handle);

        public int OnAddresses(delegate* unmanaged<void*, void*, int, void> callback, void* context, out nint handle) => Register(callback, context, out handle);

        public int OnRoutes(delegate* unmanaged<void*, void*, int, void> callback, void* context, out nint handle) => Register(callback, context, out handle);

        public int Cancel(nint handle)
        {
            Cancelled.Add(handle);
            return 0;
        }

        private int Register(delegate* unmanaged<void*, void*, int, void> callback, void* context, out nint handle)
        {
            handle = Registered.Count + 1;
            if (handle >= RefuseFrom)
            {
                return 5;
            }

            Registered.Add(((nint)callback, (nint)context));
            return 0;
        }
    }

    private sealed class FakeClocks : ISystemClocks
    {
        private TimeSpan _awake = TimeSpan.FromHours(1);

        public TimeSpan Asleep { get; set; }

        public TimeSpan HoldUp { get; set; }

        public TimeSpan WithSleep
        {
            get
            {
                (_awake, HoldUp) = (_awake + HoldUp, TimeSpan.Zero);
                return _awake + Asleep;
            }
        }

        public TimeSpan WithoutSleep => _awake;
    }
}
