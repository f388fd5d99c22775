using TunnelMesh.Protocol.Filter;
using TunnelMesh.Protocol.Packets;
using TunnelMesh.Tests.Packets;

namespace TunnelMesh.Tests.ProtocolFilter;

public class PacketClassifierTests
{
    private const string A4 = "10.42.0.2", B4 = "10.42.0.1", A6 = "fd00::2", B6 = "fd00::1";

    [Theory]
    [InlineData(A4, B4)]
    [InlineData(A6, B6)]
    public void Tcp_and_udp_are_known_by_their_ports(string from, string to)
    {
        PacketClass tcp = Classify(FilterBytes.Tcp(from, to, 40000, 22, FilterBytes.Syn));
        Assert.Equal((PacketKind.Tcp, 40000, 22, PacketClass.Syn), (tcp.Kind, tcp.SourcePort, tcp.DestinationPort, tcp.TcpFlags));
        PacketClass udp = Classify(FilterBytes.Udp(from, to, 5353, 53));
        Assert.Equal((PacketKind.Udp, 5353, 53), (udp.Kind, udp.SourcePort, udp.DestinationPort));
    }

    [Theory]
    [InlineData(A4, B4, 0, true)]
    [InlineData(A4, B4, 8, true)]
    [InlineData(A4, B4, 3, true)]
    [InlineData(A4, B4, 11, true)]
    [InlineData(A4, B4, 12, true)]
    [InlineData(A4, B4, 5, false)]
    [InlineData(A4, B4, 4, false)]
    [InlineData(A4, B4, 13, false)]
    [InlineData(A4, B4, 17, false)]
    [InlineData(A4, B4, 128, false)]
    [InlineData(A6, B6, 1, true)]
    [InlineData(A6, B6, 2, true)]
    [InlineData(A6, B6, 3, true)]
    [InlineData(A6, B6, 4, true)]
    [InlineData(A6, B6, 128, true)]
    [InlineData(A6, B6, 129, true)]
    [InlineData(A6, B6, 134, false)]
    [InlineData(A6, B6, 135, false)]
    [InlineData(A6, B6, 137, false)]
    [InlineData(A6, B6, 8, false)]
    public void Echo_and_errors_are_told_from_what_changes_routes_and_neighbours(string from, string to, byte type, bool always) =>
        Assert.Equal(always ? PacketKind.IcmpAlways : PacketKind.Icmp, Classify(FilterBytes.Icmp(from, to, type)).Kind);

    [Fact]
    public void Icmp_of_the_other_family_is_an_unknown_protocol()
    {
        Assert.Equal(PacketKind.Other, Classify(PacketBytes.V4(A4, B4, IpProtocol.IcmpV6, [128, 0, 0, 0, 0, 0, 0, 0])).Kind);
        Assert.Equal(PacketKind.Other, Classify(PacketBytes.V6(A6, B6, IpProtocol.Icmp, [8, 0, 0, 0, 0, 0, 0, 0])).Kind);
    }

    [Theory]
    [InlineData(IpProtocol.Tcp, 19)]
    [InlineData(IpProtocol.Udp, 7)]
    public void A_header_that_is_cut_off_is_refused(byte protocol, int length)
    {
        byte[] payload = new byte[length];
        Assert.Equal(PacketKind.Refused, Classify(PacketBytes.V4(A4, B4, protocol, payload)).Kind);
        Assert.Equal(PacketKind.Refused, Classify(PacketBytes.V6(A6, B6, protocol, payload)).Kind);
        Assert.Equal(PacketKind.Refused, Classify(FilterBytes.Fragment(A6, B6, protocol, 1, 0, false, payload)).Kind);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(15)]
    public void A_tcp_header_of_a_wrong_length_is_refused(int words)
    {
        byte[] header = FilterBytes.TcpHeader(1, 2, FilterBytes.Syn);
        header[12] = (byte)(words << 4);
        Assert.Equal(PacketKind.Refused, Classify(PacketBytes.V4(A4, B4, IpProtocol.Tcp, header)).Kind);
    }

    [Theory]
    [InlineData(A4, B4)]
    [InlineData(A6, B6)]
    public void A_tiny_first_fragment_is_refused_and_a_whole_one_is_known(string from, string to)
    {
        byte[] tcp = FilterBytes.TcpHeader(40000, 22, FilterBytes.Syn, 4);
        Assert.Equal(PacketKind.Refused, Classify(FilterBytes.Fragment(from, to, IpProtocol.Tcp, 7, 0, true, tcp[..16])).Kind);
        PacketClass first = Classify(FilterBytes.Fragment(from, to, IpProtocol.Tcp, 7, 0, true, tcp));
        Assert.Equal((PacketKind.Tcp, 22, true, false, 7u, 0, 24), (first.Kind, first.DestinationPort, first.HasFollowers, first.IsLastFragment, first.FragmentId, first.FragmentStart, first.FragmentEnd));
        PacketClass later = Classify(FilterBytes.Fragment(from, to, IpProtocol.Tcp, 7, 24, false, new byte[5]));
        Assert.Equal((PacketKind.LaterFragment, false, true, 7u, 24, 29), (later.Kind, later.HasFollowers, later.IsLastFragment, later.FragmentId, later.FragmentStart, later.FragmentEnd));
    }

    [Theory]
    [InlineData(A4, B4)]
    [InlineData(A6, B6)]
    public void Fragments_that_cannot_be_are_refused(string from, string to)
    {
        Assert.Equal(PacketKind.Refused, Classify(FilterBytes.Fragment(from, to, IpProtocol.Udp, 1, 0, true, new byte[27])).Kind);
        Assert.Equal(PacketKind.Refused, Classify(FilterBytes.Fragment(from, to, IpProtocol.Udp, 1, 65528, false, new byte[16])).Kind);
        Assert.Equal(PacketKind.Refused, Classify(FilterBytes.Fragment(from, to, IpProtocol.Udp, 1, 80, true, [])).Kind);
    }

    [Fact]
    public void Extension_headers_are_passed_over_and_the_protocol_behind_them_counts()
    {
        byte[] tcp = FilterBytes.TcpHeader(40000, 22, FilterBytes.Syn);
        PacketClass kind = Classify(PacketBytes.V6(A6, B6, 0, [60, 0, 1, 4, 0, 0, 0, 0, IpProtocol.Tcp, 1, .. new byte[14], .. tcp]));
        Assert.Equal((PacketKind.Tcp, 22), (kind.Kind, kind.DestinationPort));
        // Authentication headers count in words of 4 bytes.
        kind = Classify(PacketBytes.V6(A6, B6, 51, [IpProtocol.Tcp, 2, .. new byte[14], .. tcp]));
        Assert.Equal((PacketKind.Tcp, 22), (kind.Kind, kind.DestinationPort));
    }

    [Fact]
    public void An_atomic_fragment_is_a_whole_packet()
    {
        PacketClass kind = Classify(FilterBytes.Fragment(A6, B6, IpProtocol.Udp, 9, 0, false, FilterBytes.UdpHeader(1, 53)));
        Assert.Equal((PacketKind.Udp, 53, false), (kind.Kind, kind.DestinationPort, kind.HasFollowers));
    }

    [Theory]
    [InlineData(0, PacketKind.Udp)]
    [InlineData(1, PacketKind.Refused)]
    public void A_routing_header_that_wants_to_go_on_is_refused(byte left, PacketKind expected) =>
        Assert.Equal(expected, Classify(PacketBytes.V6(A6, B6, 43, [IpProtocol.Udp, 0, 0, left, 0, 0, 0, 0, .. FilterBytes.UdpHeader(1, 53)])).Kind);

    [Fact]
    public void Two_fragment_headers_in_one_packet_are_refused() =>
        Assert.Equal(PacketKind.Refused, Classify(FilterBytes.Fragment(A6, B6, 44, 9, 0, false, [IpProtocol.Udp, 0, 0, 0, 0, 0, 0, 1, .. FilterBytes.UdpHeader(1, 53)])).Kind);

    [Theory]
    [InlineData(8, true)]
    [InlineData(9, false)]
    public void The_number_of_extension_headers_has_a_limit(int headers, bool parses)
    {
        byte[] chain = [.. Enumerable.Range(1, headers).SelectMany(i => new byte[] { i == headers ? IpProtocol.Udp : (byte)60, 0, 0, 0, 0, 0, 0, 0 })];
        Assert.Equal(parses, IpPacket.TryParse(PacketBytes.V6(A6, B6, 60, [.. chain, .. FilterBytes.UdpHeader(1, 53)]), out _));
    }

    [Theory]
    [InlineData(47)]
    [InlineData(50)]
    [InlineData(59)]
    [InlineData(132)]
    public void Other_protocols_are_other(byte protocol)
    {
        Assert.Equal((PacketKind.Other, protocol), (Classify(PacketBytes.V4(A4, B4, protocol, new byte[20])).Kind, Classify(PacketBytes.V4(A4, B4, protocol, new byte[20])).Protocol));
        Assert.Equal(PacketKind.Other, Classify(PacketBytes.V6(A6, B6, protocol, new byte[20])).Kind);
    }

    private static PacketClass Classify(byte[] bytes)
    {
        Assert.True(IpPacket.TryParse(bytes, out IpPacket packet));
        return PacketClassifier.Classify(packet);
    }
}
