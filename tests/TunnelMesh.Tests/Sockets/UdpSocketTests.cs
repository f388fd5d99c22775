using System.Net;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Tests.Shared;

namespace TunnelMesh.Tests.Sockets;

public class UdpSocketTests
{
    [Fact]
    public void Datagrams_arrive_in_one_batch_with_their_sender_and_without_allocation()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only");
        using IUdpSocket a = UdpSocket.Open(new UdpSocketOptions());
        using IUdpSocket b = UdpSocket.Open(new UdpSocketOptions());
        var to = UdpEndpoint.From(new IPEndPoint(IPAddress.Loopback, b.Port));
        byte[] buffers = new byte[4 * 2048];
        int[] lengths = new int[4];
        UdpEndpoint[] sources = new UdpEndpoint[4];
        byte[] payload = new byte[300];
        Assert.Equal(0, Allocations.Least(() => Round(a, b, to, payload, buffers, lengths, sources)));
        Assert.Equal(3, Round(a, b, to, payload, buffers, lengths, sources));
        Assert.Equal([298, 299, 300], lengths[..3]);
        Assert.Equal(UdpEndpoint.From(new IPEndPoint(IPAddress.Loopback, a.Port)), sources[2]);
    }

    [Fact]
    public void A_port_in_use_is_named_together_with_its_owner()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only");
        using IUdpSocket first = UdpSocket.Open(new UdpSocketOptions());
        UdpSocketException e = Assert.Throws<UdpSocketException>(() => UdpSocket.Open(new UdpSocketOptions { Port = first.Port }));
        Assert.Equal(UdpError.PortInUse, e.Error);
        Assert.Contains($"port {first.Port} is in use", e.Message, StringComparison.Ordinal);
        Assert.Contains($"(process {Environment.ProcessId})", e.Message, StringComparison.Ordinal);
        // No setting takes 0.
        Assert.EndsWith("or choose another port.", e.Message, StringComparison.Ordinal);
    }

    private static int Round(IUdpSocket a, IUdpSocket b, in UdpEndpoint to, byte[] payload, byte[] buffers, int[] lengths, UdpEndpoint[] sources)
    {
        for (int i = 298; i <= 300; i++)
        {
            if (!a.Send(payload.AsSpan(0, i), to))
            {
                return -1;
            }
        }

        // Loopback delivers within sendto.
        return b.Receive(buffers, 2048, lengths, sources);
    }
}
