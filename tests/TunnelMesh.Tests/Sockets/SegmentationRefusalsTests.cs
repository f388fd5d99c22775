using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Tests.Sockets;

public class SegmentationRefusalsTests
{
    [Fact]
    public void A_destination_is_remembered_for_a_minute_and_then_tried_again()
    {
        FakeTimeProvider time = new();
        SegmentationRefusals refusals = new(time);
        Assert.False(refusals.Contains(Destination(1)));
        refusals.Add(Destination(1));
        time.Advance(TimeSpan.FromSeconds(59));
        Assert.True(refusals.Contains(Destination(1)));
        Assert.False(refusals.Contains(Destination(2)));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(refusals.Contains(Destination(1)));
        refusals.Add(Destination(1));
        Assert.True(refusals.Contains(Destination(1)));
        Assert.Equal(2, refusals.Total);
    }

    [Fact]
    public void Very_many_destinations_make_room_for_each_other()
    {
        SegmentationRefusals refusals = new(new FakeTimeProvider());
        for (int i = 1; i <= 65; i++)
        {
            refusals.Add(Destination(i));
        }

        Assert.False(refusals.Contains(Destination(1)));
        Assert.True(refusals.Contains(Destination(2)));
        Assert.True(refusals.Contains(Destination(65)));
    }

    private static UdpEndpoint Destination(int port) => UdpEndpoint.FromIPv4(0x0A00_0001, (ushort)port);
}
