using System.Net;
using System.Net.Sockets;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Platform.Tun;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Offload;

/// <summary>
/// A kernel's TCP and UDP on one side of a real TUN device, and this process as the other host: what one socket sends through
/// the device comes back to another socket of the same machine, by way of the splitter, a swap of addresses, and the coalescer.
/// </summary>
public sealed class TunOffloadTests
{
    private const int Bytes = 4_000_000;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Tcp_leaves_in_super_packets_and_arrives_in_groups(bool v6)
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        await using Underlay underlay = await Underlay.CreateAsync(cancel);
        NetworkNamespace machine = await underlay.AddMachineAsync(cancel);
        using Reflector reflector = Reflector.Start(machine, TunOffloads.Checksum | TunOffloads.Tcp);
        Assert.Equal(TunOffloads.Checksum | TunOffloads.Tcp, reflector.Offloads);
        await TransferAsync(machine, v6, cancel);
        reflector.Stop();
        Assert.True(reflector.SuperPackets > 10, $"super-packets: {reflector.SuperPackets}");
        Assert.True(reflector.Groups > 10, $"groups: {reflector.Groups}");
        Assert.Equal((0, 0, 0), (reflector.Unreadable, reflector.WrongChecksums, reflector.Refused));
    }

    [Theory]
    [InlineData(TunOffloads.None)]
    [InlineData(TunOffloads.Checksum)]
    [InlineData(TunOffloads.All)]
    public async Task Single_packets_are_read_and_written_whatever_the_offloads(TunOffloads offloads)
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        await using Underlay underlay = await Underlay.CreateAsync(cancel);
        NetworkNamespace machine = await underlay.AddMachineAsync(cancel);
        using Reflector reflector = Reflector.Start(machine, offloads, singly: true);
        await TransferAsync(machine, v6: false, cancel);
        reflector.Stop();
        Assert.True(reflector.Packets > Bytes / 1500, $"packets: {reflector.Packets}");
        Assert.Equal((0, 0, 0), (reflector.Groups, reflector.WrongChecksums, reflector.Refused));
    }

    [Theory]
    [InlineData("10.42.0.1", "10.42.0.2")]
    [InlineData("fd00:42::1", "fd00:42::2")]
    public async Task Udp_leaves_in_trains_and_arrives_as_datagrams(string local, string remote)
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        await using Underlay underlay = await Underlay.CreateAsync(cancel);
        NetworkNamespace machine = await underlay.AddMachineAsync(cancel);
        using Reflector reflector = Reflector.Start(machine, TunOffloads.All);
        Assert.SkipUnless(reflector.Offloads.HasFlag(TunOffloads.Udp), "this kernel has no USO (before 6.2)");
        IPAddress here = IPAddress.Parse(local);
        using Socket sender = NamespaceSocket.Bind(machine, here), receiver = NamespaceSocket.Bind(machine, here);
        byte[] train = new byte[20 * 1000 + 77];
        new Random(7).NextBytes(train);
        sender.SetRawSocketOption(17, 103, BitConverter.GetBytes(1000));
        await sender.SendToAsync(train, new IPEndPoint(IPAddress.Parse(remote), ((IPEndPoint)receiver.LocalEndPoint!).Port), cancel);
        List<byte> arrived = [];
        byte[] datagram = new byte[2000];
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        for (int i = 0; i < 21; i++)
        {
            int length = await receiver.ReceiveAsync(datagram, limit.Token);
            Assert.Equal(i < 20 ? 1000 : 77, length);
            arrived.AddRange(datagram.AsSpan(0, length));
        }

        Assert.Equal(train, arrived);

        // The system keeps the group whole up to a socket that takes trains.
        using IUdpSocket whole = NamespaceThread.Run(machine, () => UdpSocket.Open(new UdpSocketOptions { Offloads = UdpOffloads.All }));
        await sender.SendToAsync(train, new IPEndPoint(IPAddress.Parse(remote), whole.Port), cancel);
        byte[] buffer = new byte[65535];
        int got, size;
        while ((got = whole.ReceiveSegments(buffer, out size, out _)) == 0)
        {
            await Task.Delay(1, limit.Token);
        }

        Assert.Equal((train.Length, 1000), (got, size));
        Assert.Equal(train, buffer[..got]);
        reflector.Stop();
        Assert.Equal((2, 2), (reflector.SuperPackets, reflector.Groups));
        Assert.Equal((0, 0, 0), (reflector.Unreadable, reflector.WrongChecksums, reflector.Refused));
    }

    [Fact]
    public async Task Writing_a_group_without_offloads_is_refused()
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        await using Underlay underlay = await Underlay.CreateAsync(cancel);
        NetworkNamespace machine = await underlay.AddMachineAsync(cancel);
        using ITunDevice tun = NamespaceThread.Run(machine, () => TunDevice.Open(new TunOptions { Name = "tm0" }));
        Assert.Equal(TunOffloads.None, tun.Offloads);
        Assert.Throws<NotSupportedException>(() => tun.WriteGroup(default, new byte[40], [], []));
    }

    /// <summary>From a kernel socket to the other host, which is a socket of the same machine.</summary>
    private static Task TransferAsync(NetworkNamespace machine, bool v6, CancellationToken cancel) => BulkTransfer.RunAsync(
        machine, machine, IPAddress.Parse(v6 ? "fd00:42::1" : "10.42.0.1"), IPAddress.Parse(v6 ? "fd00:42::2" : "10.42.0.2"), up: Bytes, down: 0, cancel);
}
