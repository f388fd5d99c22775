using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Tests.DataPlane;

public class UnreachableReporterTests
{
    [Fact]
    public void Answers_speak_for_the_destination_and_come_no_faster_than_allowed()
    {
        var time = new FakeTimeProvider();
        var reporter = new UnreachableReporter(time);
        byte[] packet = [0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 99, 0, 1, 10, 99, 0, 9, 0, 1, 0, 2, 0, 8, 0, 0];
        byte[] answer = new byte[IcmpUnreachable.MaxLengthV4];
        int sent = 0;
        for (int i = 0; i < 80; i++)
        {
            Assert.True(IpPacket.TryParse(packet, out IpPacket about));
            if (reporter.TryReport(about, IcmpUnreachableKind.Host, answer, out int length))
            {
                Assert.Equal(56, length);
                Assert.Equal([10, 99, 0, 9, 10, 99, 0, 1, 3, 1], answer[12..22]);
                sent++;
            }
        }

        Assert.Equal(50, sent);
        time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.True(IpPacket.TryParse(packet, out IpPacket again));
        Assert.True(reporter.TryReport(again, IcmpUnreachableKind.Network, answer, out _));
    }
}
