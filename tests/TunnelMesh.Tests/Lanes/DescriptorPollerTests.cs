using TunnelMesh.Platform.Lanes;
using TunnelMesh.Tests.Tun;

namespace TunnelMesh.Tests.Lanes;

public sealed class DescriptorPollerTests : IDisposable
{
    // Long enough for a machine under load; only a test that fails waits for it.
    private const int Patience = 30_000;
    private readonly DatagramPair _tun = new();
    private readonly DatagramPair _socket = new();

    public void Dispose()
    {
        _tun.Dispose();
        _socket.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Each_device_and_a_call_are_told_apart_and_last_until_they_are_taken(bool pipe)
    {
        using LanePoller poller = Make(pipe);
        Assert.Equal(LaneEvents.None, poller.Wait(0));
        _tun.KernelWrites([1]);
        Assert.Equal(LaneEvents.Packets, poller.Wait(Patience));
        Assert.Equal(LaneEvents.Packets, poller.Wait(Patience));
        _socket.KernelWrites([1]);
        Assert.Equal(LaneEvents.Packets | LaneEvents.Datagrams, poller.Wait(Patience));
        poller.Wake();
        poller.Wake();
        Assert.Equal(LaneEvents.Packets | LaneEvents.Datagrams | LaneEvents.Woken, poller.Wait(Patience));
        Assert.Equal(LaneEvents.Packets | LaneEvents.Datagrams, poller.Wait(Patience));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task No_call_of_many_threads_is_lost(bool pipe)
    {
        using LanePoller poller = Make(pipe);
        int wanted = 0, seen = 0;
        Task[] callers = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (int i = 0; i < 5_000; i++)
            {
                Interlocked.Increment(ref wanted);
                poller.Wake();
            }
        }))];
        while (seen < 20_000)
        {
            Assert.Equal(LaneEvents.Woken, poller.Wait(Patience));
            seen = Volatile.Read(ref wanted);
        }

        await Task.WhenAll(callers);
        _ = poller.Wait(0);
        Assert.Equal(LaneEvents.None, poller.Wait(0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Calling_after_the_end_does_no_harm(bool pipe)
    {
        LanePoller poller = Make(pipe);
        poller.Dispose();
        poller.Wake();
    }

    private DescriptorPoller Make(bool pipe) => new(_tun.Device, _socket.Device, pipe ? new PipeWake() : new EventWake());
}
