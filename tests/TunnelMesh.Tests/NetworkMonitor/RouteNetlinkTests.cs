using System.Net;
using TunnelMesh.Platform.NetworkMonitor;

namespace TunnelMesh.Tests.NetworkMonitor;

/// <summary>Messages are put together by hand from rtnetlink(7); the system tests read those of a kernel.</summary>
public class RouteNetlinkTests
{
    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    // Length, type, flags, sequence, port.
    private static byte[] Message(ushort type, byte[] body) =>
        [.. BitConverter.GetBytes(16 + body.Length), .. BitConverter.GetBytes(type), 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, .. body, .. new byte[(4 - body.Length % 4) % 4]];

    [Fact]
    public void Messages_and_attributes_are_walked_over_with_their_padding()
    {
        NetlinkBytes messages = new([.. Message(16, [1, 2, 3, 4, 5]), .. Message(20, [9])]);
        Assert.True(messages.TryReadMessage(out ushort type, out uint sequence, out ReadOnlySpan<byte> body));
        Assert.Equal((16, 7U, 5), (type, sequence, body.Length));
        Assert.True(messages.TryReadMessage(out type, out _, out body));
        Assert.Equal((20, 9), (type, body[0]));
        Assert.False(messages.TryReadMessage(out _, out _, out _));

        NetlinkBytes attributes = new(Bytes("0500 0300 61 000000" + "0800 0480 01000000" + "0900 0100 01"));
        Assert.True(attributes.TryReadAttribute(out type, out ReadOnlySpan<byte> value));
        Assert.Equal((3, 1), (type, value.Length));
        Assert.True(attributes.TryReadAttribute(out type, out value));
        Assert.Equal((4, 4), (type, value.Length));
        Assert.False(attributes.TryReadAttribute(out _, out _));
    }

    [Theory]
    [InlineData(16, "00", true)]
    [InlineData(17, "00", true)]
    [InlineData(20, "00", true)]
    [InlineData(21, "00", true)]
    [InlineData(24, "0200", true)]
    [InlineData(25, "0a00", true)]
    [InlineData(24, "0218", false)]
    [InlineData(28, "0000", false)]
    [InlineData(3, "00000000", false)]
    public void Only_what_may_change_the_state_is_a_notice(ushort type, string body, bool concerns) =>
        Assert.Equal(concerns, RouteNetlink.Concerns(Message(type, Bytes(body))));

    [Theory]
    [InlineData(16, "00000100 07000000 43000000 00000000", true)]
    [InlineData(17, "00000100 07000000 42000000 00000000", true)]
    [InlineData(16, "00000100 08000000 43000000 00000000", false)]
    [InlineData(20, "02108000 07000000", true)]
    [InlineData(21, "0a408000 07000000", true)]
    [InlineData(21, "0a408000 08000000", false)]
    [InlineData(21, "0a4080", false)]
    [InlineData(25, "02100000 fe02fd01 00000000" + "08000100 0a2a0000" + "08000400 07000000", true)]
    [InlineData(25, "02100000 fe02fd01 00000000" + "08000100 0a2a0000" + "08000400 08000000", false)]
    [InlineData(24, "02100000 fe02fd01 00000000" + "08000100 0a2a0000" + "08000400 07000000", false)]
    [InlineData(25, "", false)]
    public void Only_what_is_about_an_interface_is_a_notice_of_it(ushort type, string body, bool concerns)
    {
        Assert.Equal(concerns, RouteNetlink.Concerns(Message(type, Bytes(body)), 7));
        Assert.Equal(concerns, RouteNetlink.Concerns([.. Message(20, Bytes("02108000 09000000")), .. Message(type, Bytes(body))], 7));
    }

    [Theory]
    [InlineData("42000000" + "00000000" + "0e000300 74756e2d6d6573683000 0000" + "08000400 78050000", "tun-mesh0", false, 1400)]
    [InlineData("43000000" + "00000000" + "08000400 28230000" + "0e000300 74756e2d6d6573683000 0000", "tun-mesh0", true, 9000)]
    [InlineData("43000000" + "00000000" + "08000400 28230000", null, true, 9000)]
    [InlineData("43000000", null, false, 0)]
    public void A_link_is_read_whether_it_works_or_not(string rest, string? name, bool up, int mtu)
    {
        Assert.Equal(name is not null, RouteNetlink.TryReadLink(Bytes("00000100 07000000" + rest), out string read, out bool isUp, out int bytes));
        if (name is not null)
        {
            Assert.Equal((name, up, mtu), (read, isUp, bytes));
        }
    }

    [Theory]
    [InlineData("02100000 fe02fd01 00000000" + "08000100 0a2a0000" + "08000400 07000000", "10.42.0.0/16")]
    [InlineData("02000000 fe030001 00000000" + "08000400 07000000", "0.0.0.0/0")]
    [InlineData("02100000 fe02fd01 00000000" + "08000100 0a2a0000" + "08000400 08000000", null)]
    [InlineData("02100000 fe02fd07 00000000" + "08000100 0a2a0000" + "08000400 07000000", null)]
    [InlineData("0a100000 fe02fd01 00000000" + "08000100 0a2a0000" + "08000400 07000000", null)]
    [InlineData("02400000 fe02fd01 00000000" + "08000100 0a2a0000" + "08000400 07000000", null)]
    [InlineData("02100000 fe02fd01 00000000" + "06000100 0a2a 0000" + "08000400 07000000", null)]
    [InlineData("02100000 fe02fd01 00000000" + "08000400 07000000", null)]
    [InlineData("0210", null)]
    public void A_route_into_an_interface_is_known_by_its_prefix(string body, string? prefix) =>
        Assert.Equal(prefix is null ? null : IPNetwork.Parse(prefix), RouteNetlink.ReadPrefix(Bytes(body), 2, 7));

    [Theory]
    [InlineData("43000000", true)]
    [InlineData("03000000", false)]
    [InlineData("40000000", false)]
    [InlineData("49000000", false)]
    public void A_link_counts_while_it_works(string flags, bool counts)
    {
        Assert.Equal(counts, RouteNetlink.TryReadLink(Bytes("00000100 05000000" + flags + "00000000" + "0900 0300 6574683000 000000"), out int index, out string name));
        if (counts)
        {
            Assert.Equal((5, "eth0"), (index, name));
        }
    }

    [Theory]
    [InlineData("02 18 80 00 05000000" + "0800 0100 c0000201" + "0800 0200 c0000202", "192.0.2.2")]
    [InlineData("0a 40 80 00 05000000" + "1400 0100 20010db8000000000000000000000007", "2001:db8::7")]
    [InlineData("0a 40 c0 00 05000000" + "1400 0100 20010db8000000000000000000000007", null)]
    [InlineData("0a 40 80 00 05000000" + "1400 0100 20010db8000000000000000000000007" + "0800 0800 40000000", null)]
    [InlineData("02 18 80 00 05000000" + "0600 0200 c000 0000", null)]
    [InlineData("02 18", null)]
    public void An_address_counts_once_it_can_be_used(string body, string? expected)
    {
        Assert.Equal(expected is not null, RouteNetlink.TryReadAddress(Bytes(body), out int index, out IPAddress address));
        if (expected is not null)
        {
            Assert.Equal((5, IPAddress.Parse(expected)), (index, address));
        }
    }

    [Fact]
    public void A_route_is_read_with_gateway_interface_and_source()
    {
        DefaultRoute? route = RouteNetlink.ReadRoute(Bytes("02 20 00 00 fe 00 00 01 00000000" + "0800 0500 c00002fe" + "0800 0400 05000000" + "0800 0700 c0000201"), index => $"eth{index}");
        Assert.Equal(new DefaultRoute(IPAddress.Parse("192.0.2.254"), "eth5", IPAddress.Parse("192.0.2.1")), route);
        DefaultRoute? local = RouteNetlink.ReadRoute(Bytes("0a 80 00 00 fe 00 00 01 00000000" + "1400 0500 fe800000000000000000000000000001" + "0800 0400 03000000"), _ => "wlan0");
        Assert.Equal(3, local!.Gateway!.ScopeId);
        Assert.Null(RouteNetlink.ReadRoute(Bytes("02 20 00 00 fe 00 00 07 00000000" + "0800 0400 05000000"), _ => "lo"));
        Assert.Null(RouteNetlink.ReadRoute(Bytes("02 20 00 00 fe 00 00 01 00000000" + "0800 0400 05000000"), _ => null));
        Assert.Null(RouteNetlink.ReadRoute([2, 32], _ => "eth0"));
    }

    [Theory]
    [InlineData("5c00050c 00000000 00000000", true)]
    [InlineData("5c00050e 00000000 00000000", true)]
    [InlineData("5c000501 00000000 03000000", true)]
    [InlineData("5c000501 00000000 05000000", false)]
    [InlineData("5c000507 00000000 00000000", false)]
    [InlineData("5c00050c", false)]
    public void Notices_of_macOS_are_sorted_likewise(string message, bool concerns) => Assert.Equal(concerns, DescriptorNotices.ConcernsMacOS(Bytes(message)));
}
