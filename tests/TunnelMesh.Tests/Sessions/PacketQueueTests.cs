using TunnelMesh.Node.Sessions;

namespace TunnelMesh.Tests.Sessions;

public class PacketQueueTests
{
    [Fact]
    public void The_oldest_make_room_and_losses_are_counted()
    {
        var queue = new PacketQueue(maxPackets: 3, maxBytes: 100);
        Assert.Equal(0, queue.Enqueue([1], 7));
        Assert.Equal(0, queue.Enqueue([2], 7));
        Assert.Equal(0, queue.Enqueue([3], 7));
        Assert.Equal(1, queue.Enqueue([4], 7));
        Assert.Equal(2, queue.Enqueue(new byte[99], 7));
        Assert.Equal(100, queue.Bytes);
        Assert.Equal(1, queue.Enqueue(new byte[101], 7));
        Assert.False(queue.TryDequeueOlder(7, out _));
        Assert.True(queue.TryDequeueOlder(8, out byte[]? first));
        Assert.Equal([4], first);
        Assert.True(queue.TryDequeueOlder(long.MaxValue, out _));
        Assert.False(queue.TryDequeueOlder(long.MaxValue, out _));
        Assert.Equal(0, queue.Bytes);
    }
}
