using TunnelMesh.Protocol.Packets;

namespace TunnelMesh.Tests.Packets;

public sealed class IpPacketTests
{
    [Fact]
    public void The_checksum_of_the_example_in_RFC_1071()
    {
        byte[] data = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        Assert.Equal(0x220d, InternetChecksum.Compute(data));
        Assert.Equal(InternetChecksum.Compute([.. data, 7, 0]), InternetChecksum.Compute([.. data, 7]));
    }

    [Fact]
    public void IPv4_fields_and_padding()
    {
        byte[] bytes = [.. PacketBytes.V4("10.42.0.1", "10.42.0.2", IpProtocol.Udp, new byte[9]), 0, 0, 0];
        Assert.True(IpPacket.TryParse(bytes, out IpPacket packet));
        Assert.Equal((4, 29, 20), (packet.Version, packet.TotalLength, packet.TransportOffset));
        Assert.Equal(IpProtocol.Udp, packet.Protocol);
        Assert.Equal([10, 42, 0, 1], packet.Source.ToArray());
        Assert.Equal([10, 42, 0, 2], packet.Destination.ToArray());
        Assert.True(packet.IsFirstFragment && !packet.IsFragmented);
    }

    [Theory]
    [InlineData(0x4000, true, false)]
    [InlineData(0x2000, true, true)]
    [InlineData(0x0001, false, true)]
    public void IPv4_fragments(int field, bool first, bool fragmented)
    {
        Assert.True(IpPacket.TryParse(PacketBytes.V4("10.0.0.1", "10.0.0.2", 17, new byte[8], field), out IpPacket packet));
        Assert.Equal((first, fragmented), (packet.IsFirstFragment, packet.IsFragmented));
    }

    [Fact]
    public void IPv6_extension_headers_are_walked()
    {
        byte[] options = [60, 0, 1, 4, 0, 0, 0, 0, 58, 1, .. new byte[14], 128, 0, 0, 0, 0, 0, 0, 0];
        Assert.True(IpPacket.TryParse(PacketBytes.V6("fd00::1", "fd00::2", 0, options), out IpPacket packet));
        Assert.Equal((6, 40 + 24), (packet.Version, packet.TransportOffset));
        Assert.Equal(IpProtocol.IcmpV6, packet.Protocol);
        Assert.Equal(128, packet.Transport[0]);
    }

    [Fact]
    public void A_later_IPv6_fragment_ends_the_walk()
    {
        byte[] fragment = [0, 0, 0, 9, 0, 0, 0, 1, 255, 255, 255, 255];
        Assert.True(IpPacket.TryParse(PacketBytes.V6("fd00::1", "fd00::2", 44, fragment), out IpPacket packet));
        Assert.Equal((false, true, 48), (packet.IsFirstFragment, packet.IsFragmented, packet.TransportOffset));
    }

    [Fact]
    public void Malformed_packets_are_refused()
    {
        byte[] v4 = PacketBytes.V4("10.0.0.1", "10.0.0.2", 17, new byte[8]);
        byte[] v6 = PacketBytes.V6("fd00::1", "fd00::2", 0, [17, 0, 0, 0, 0, 0, 0, 0]);
        for (int length = 0; length < v4.Length; length++)
        {
            Assert.False(IpPacket.TryParse(v4.AsSpan(0, length), out _));
        }
        for (int length = 0; length < v6.Length; length++)
        {
            Assert.False(IpPacket.TryParse(v6.AsSpan(0, length), out _));
        }
        Assert.False(IpPacket.TryParse([0x44, .. v4[1..]], out _));
        Assert.False(IpPacket.TryParse([0x4F, .. v4[1..]], out _));
        Assert.False(IpPacket.TryParse([0x55, .. v4[1..]], out _));
        v6[41] = 1;
        Assert.False(IpPacket.TryParse(v6, out _));
    }
}
