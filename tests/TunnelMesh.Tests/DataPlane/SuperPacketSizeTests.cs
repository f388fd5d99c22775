using TunnelMesh.Node.DataPlane;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Tests.DataPlane;

public class SuperPacketsTests
{
    [Theory]
    [InlineData(576)]
    [InlineData(1280)]
    [InlineData(1400)]
    [InlineData(1420)]
    [InlineData(8920)]
    public void A_sealed_super_packet_fills_one_train(int mtu)
    {
        int datagram = WireGuardMessage.Padded(mtu, mtu) + WireGuardMessage.TransportOverhead;
        int room = Math.Max(1, Math.Min(Trains.MaxSegments, Trains.MaxBytes / datagram));
        // As Linux counts: tcp_tso_segs of what sk_setup_caps leaves of the device's limit.
        foreach (int setAside in new[] { 193, 321 })
        {
            foreach (int headers in new[] { 40, 52, 60, 72 })
            {
                Assert.InRange((SuperPacketSize.BytesFor(mtu) - setAside) / (mtu - headers), room - (room / 8) - 1, room);
            }
        }

        if (mtu >= 1280)
        {
            Assert.Equal(room, (SuperPacketSize.BytesFor(mtu) - 321) / (mtu - 52));
            Assert.Equal(room, (SuperPacketSize.BytesFor(mtu) - 321) / (mtu - 72));
        }
    }

    [Theory]
    [InlineData(576)]
    [InlineData(32768)]
    [InlineData(65535)]
    public void No_more_is_asked_for_than_systems_make_by_themselves(int mtu) => Assert.InRange(SuperPacketSize.BytesFor(mtu), mtu, 65536);
}
