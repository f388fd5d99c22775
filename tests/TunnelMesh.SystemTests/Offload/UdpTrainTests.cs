using System.Net;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Offload;

public sealed class UdpTrainTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_path_that_refuses_trains_gets_every_datagram_singly_and_is_not_asked_again(bool v6)
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        await using Underlay underlay = await Underlay.CreateAsync(cancel);
        NetworkNamespace first = await underlay.AddMachineAsync(cancel), second = await underlay.AddMachineAsync(cancel);
        using IUdpSocket a = NamespaceThread.Run(first, () => UdpSocket.Open(new UdpSocketOptions()));
        using IUdpSocket b = NamespaceThread.Run(second, () => UdpSocket.Open(new UdpSocketOptions { Offloads = UdpOffloads.All }));
        UdpEndpoint to = UdpEndpoint.From(new IPEndPoint(IPAddress.Parse(v6 ? second.Address6 : second.Address), b.Port));

        // Within the MTU of 1500 a train passes.
        byte[] small = Bytes(10 * 1200 + 5);
        Assert.Equal(0, a.SendSegments(small, 1200, to));
        Assert.Equal(small.Chunk(1200), Receive(b, 11, cancel));
        Assert.Equal(0, a.SegmentationFallbacks);

        // Above it the kernel refuses to cut a train, and fragments single datagrams.
        byte[] large = Bytes(5 * 2000 + 9);
        Assert.Equal(0, a.SendSegments(large, 2000, to));
        Assert.Equal(large.Chunk(2000), Receive(b, 6, cancel));
        Assert.Equal(1, a.SegmentationFallbacks);
        Assert.Equal(0, a.SendSegments(large, 2000, to));
        Assert.Equal(large.Chunk(2000), Receive(b, 6, cancel));
        Assert.Equal(1, a.SegmentationFallbacks);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_device_that_computes_no_checksums_gets_every_datagram(bool v6)
    {
        Requirements.Programs("ethtool");
        CancellationToken cancel = TestContext.Current.CancellationToken;
        await using Underlay underlay = await Underlay.CreateAsync(cancel);
        NetworkNamespace first = await underlay.AddMachineAsync(cancel), second = await underlay.AddMachineAsync(cancel);
        await first.RunAsync(["ethtool", "-K", "eth0", "tx", "off"], cancel: cancel);
        using IUdpSocket a = NamespaceThread.Run(first, () => UdpSocket.Open(new UdpSocketOptions()));
        using IUdpSocket b = NamespaceThread.Run(second, () => UdpSocket.Open(new UdpSocketOptions { Offloads = UdpOffloads.All }));
        UdpEndpoint to = UdpEndpoint.From(new IPEndPoint(IPAddress.Parse(v6 ? second.Address6 : second.Address), b.Port));

        // Kernels before 6.10 answer EIO, later ones cut trains and compute checksums themselves; nobody shall notice.
        byte[] train = Bytes(20 * 1200 + 5);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(0, a.SendSegments(train, 1200, to));
            Assert.Equal(train.Chunk(1200), Receive(b, 21, cancel));
        }

        Assert.InRange(a.SegmentationFallbacks, 0, 1);
    }

    private static byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    private static List<byte[]> Receive(IUdpSocket socket, int count, CancellationToken cancel)
    {
        byte[] buffer = new byte[65535];
        List<byte[]> arrived = [];
        long start = Environment.TickCount64;
        while (arrived.Count < count && Environment.TickCount64 - start < 10_000)
        {
            cancel.ThrowIfCancellationRequested();
            if (socket.ReceiveSegments(buffer, out int size, out _) is > 0 and var n)
            {
                arrived.AddRange(buffer.AsSpan(0, n).ToArray().Chunk(size));
            }
            else
            {
                Thread.Sleep(1);
            }
        }

        return arrived;
    }
}
