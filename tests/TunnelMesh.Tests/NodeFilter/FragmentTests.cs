using TunnelMesh.Node.Filter;
using TunnelMesh.Protocol.Packets;
using static TunnelMesh.Tests.NodeFilter.FilteredDevice;
using static TunnelMesh.Tests.ProtocolFilter.FilterBytes;

namespace TunnelMesh.Tests.NodeFilter;

/// <summary>Fragments do not walk past the filter.</summary>
public class FragmentTests
{
    private readonly FilteredDevice _device = new(true, Rule("allow udp 53"), Rule("allow tcp 22"));

    [Theory]
    [InlineData("10.42.0.2", "10.42.0.1")]
    [InlineData("fd00::2", "fd00::1")]
    public void Followers_pass_with_a_first_one_that_passed(string from, string to)
    {
        FilterPeer nas = _device.Peer("nas"), other = _device.Peer("other");
        byte[] first = First(from, to, 53, 1), middle = Later(from, to, 1, 24, true), last = Later(from, to, 1, 48, false);
        Assert.False(_device.In(nas, middle));
        Assert.Equal([true, true, true], _device.InRun(nas, first, middle, last));
        Assert.False(_device.In(other, middle));
        Assert.False(_device.In(nas, Later(from, to, 2, 24, false)));
        _device.Time.Advance(TimeSpan.FromSeconds(31));
        Assert.False(_device.In(nas, middle));
    }

    [Theory]
    [InlineData("10.42.0.2", "10.42.0.1")]
    [InlineData("fd00::2", "fd00::1")]
    public void Followers_of_a_first_one_that_was_dropped_are_dropped(string from, string to)
    {
        FilterPeer nas = _device.Peer("nas");
        Assert.Equal([false, false, false], _device.InRun(nas, First(from, to, 54, 1), Later(from, to, 1, 24, true), Later(from, to, 1, 48, false)));
        Assert.Equal(3, _device.Filter.Drops().Sum(d => d.Packets));
    }

    [Theory]
    [InlineData("10.42.0.2", "10.42.0.1")]
    [InlineData("fd00::2", "fd00::1")]
    public void A_follower_that_reaches_into_the_first_one_ends_the_datagram(string from, string to) =>
        Assert.Equal([true, false, false, false], _device.InRun(_device.Peer("nas"), First(from, to, 53, 1), Later(from, to, 1, 8, true), Later(from, to, 1, 24, true), Later(from, to, 1, 48, false)));

    [Theory]
    [InlineData(53)]
    [InlineData(54)]
    public void A_second_first_fragment_ends_the_datagram(int port)
    {
        Assert.Equal([true, false, false], _device.InRun(
            _device.Peer("nas"), First("10.42.0.2", "10.42.0.1", 53, 1), First("10.42.0.2", "10.42.0.1", port, 1), Later("10.42.0.2", "10.42.0.1", 1, 24, false)));
    }

    [Fact]
    public void A_number_that_comes_round_names_another_datagram()
    {
        FilterPeer nas = _device.Peer("nas");
        byte[] first = First("10.42.0.2", "10.42.0.1", 53, 1), last = Later("10.42.0.2", "10.42.0.1", 1, 24, false);
        Assert.Equal([true, true, true, true], _device.InRun(nas, first, last, first, last));
        // The next one decides anew, and does not pass.
        Assert.Equal([false], _device.InRun(nas, First("10.42.0.2", "10.42.0.1", 54, 1)));
    }

    [Theory]
    [InlineData("10.42.0.2", "10.42.0.1")]
    [InlineData("fd00::2", "fd00::1")]
    public void A_tiny_first_fragment_does_not_open_the_way(string from, string to)
    {
        byte[] tcp = TcpHeader(40000, 22, Syn, 4);
        Assert.Equal([false, false], _device.InRun(_device.Peer("nas"), Fragment(from, to, IpProtocol.Tcp, 1, 0, true, tcp[..8]), Fragment(from, to, IpProtocol.Tcp, 1, 8, false, tcp[8..])));
    }

    [Fact]
    public void An_echo_in_fragments_passes_and_a_route_advertisement_does_not()
    {
        FilterPeer nas = _device.Peer("nas");
        Assert.Equal([true, true], _device.InRun(nas, Echo(128), Fragment("fd00::2", "fd00::1", IpProtocol.IcmpV6, 1, 24, false, new byte[8])));
        _device.Time.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal([false, false], _device.InRun(nas, Echo(134), Fragment("fd00::2", "fd00::1", IpProtocol.IcmpV6, 1, 24, false, new byte[8])));

        static byte[] Echo(byte type) => Fragment("fd00::2", "fd00::1", IpProtocol.IcmpV6, 1, 0, true, [type, .. new byte[23]]);
    }

    [Fact]
    public void One_device_with_many_datagrams_costs_the_others_none()
    {
        FilterPeer nas = _device.Peer("nas"), flooder = _device.Peer("flooder");
        // In every group of places the flooder has one of its own to give before it takes another's.
        for (uint id = 0; id < 4000; id++)
        {
            Assert.True(_device.In(flooder, Fragment("fd00::3", "fd00::1", IpProtocol.Udp, id, 0, true, UdpHeader(1, 53, 16))));
        }

        for (uint id = 0; id < 20; id++)
        {
            Assert.True(_device.In(nas, First("fd00::2", "fd00::1", 53, id)));
        }

        for (uint id = 4000; id < 8000; id++)
        {
            Assert.True(_device.In(flooder, Fragment("fd00::3", "fd00::1", IpProtocol.Udp, id, 0, true, UdpHeader(1, 53, 16))));
        }

        for (uint id = 0; id < 20; id++)
        {
            Assert.True(_device.In(nas, Later("fd00::2", "fd00::1", id, 24, false)));
        }
    }

    private static byte[] First(string from, string to, int port, uint id) => Fragment(from, to, IpProtocol.Udp, id, 0, true, UdpHeader(40000, port, 16));

    private static byte[] Later(string from, string to, uint id, int start, bool more) => Fragment(from, to, IpProtocol.Udp, id, start, more, new byte[24]);
}
