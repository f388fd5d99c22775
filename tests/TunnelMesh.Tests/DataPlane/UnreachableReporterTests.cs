using System.Net;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Paths;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Tests.DataPlane;

public class UnreachableReporterTests
{
    private static readonly byte[] Packet = [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 99, 0, 1, 10, 99, 0, 9, 0, 1, 0, 2, 0, 8, 0, 0];

    [Fact]
    public void Answers_speak_for_the_destination_and_come_no_faster_than_allowed()
    {
        var time = new FakeTimeProvider();
        var output = new Written();
        var reporter = new UnreachableReporter(time, new InsideAddresses([]), output);
        for (int i = 0; i < 80; i++)
        {
            reporter.Report(Packet, IcmpUnreachableKind.Host);
        }

        Assert.Equal(50, output.Packets.Count);
        Assert.All(output.Packets, answer =>
        {
            Assert.Equal(56, answer.Length);
            Assert.Equal([10, 99, 0, 9, 10, 99, 0, 1, 3, 1], answer[12..22]);
        });
        time.Advance(TimeSpan.FromMilliseconds(100));
        reporter.Report(Packet, IcmpUnreachableKind.Network);
        Assert.Equal(51, output.Packets.Count);
    }

    [Fact]
    public void Nobody_answers_for_a_broadcast_of_our_own_prefix()
    {
        var output = new Written();
        var reporter = new UnreachableReporter(new FakeTimeProvider(), new InsideAddresses([new TunAddress(IPAddress.Parse("10.99.0.1"), 16)]), output);
        byte[] broadcast = [.. Packet];
        broadcast[18] = broadcast[19] = 255;
        reporter.Report(broadcast, IcmpUnreachableKind.Network);
        Assert.Empty(output.Packets);
        reporter.Report(Packet, IcmpUnreachableKind.Network);
        Assert.Single(output.Packets);
    }

    private sealed class Written : ITunnelOutput
    {
        public List<byte[]> Packets { get; } = [];

        public bool SendDatagram(ReadOnlySpan<byte> datagram, in PathAddress destination) => false;

        public bool WritePacket(ReadOnlySpan<byte> packet)
        {
            Packets.Add(packet.ToArray());
            return true;
        }
    }
}
