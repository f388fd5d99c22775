using System.Net;
using TunnelMesh.Node.Dns;
using TunnelMesh.Protocol.Dns;

namespace TunnelMesh.Tests.DnsResolver;

public sealed class ReverseRangeTests
{
    private static (ReverseMatch Match, UInt128 Address, string Apex) Match(string range, string name)
    {
        byte[] wire = new byte[DnsName.MaxBytes];
        Assert.True(DnsName.TryWrite(name, wire, out _));
        List<byte> starts = [];
        for (int at = 0; wire[at] != 0; at += wire[at] + 1)
        {
            starts.Add((byte)at);
        }
        ReverseMatch match = new ReverseRange(IPNetwork.Parse(range)).Match(wire, starts.ToArray(), out UInt128 address, out int apex);
        return (match, address, string.Join('.', name.Split('.').Skip(starts.IndexOf((byte)apex))));
    }

    [Theory]
    [InlineData("::/0", "2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "2.ip6.arpa")]
    [InlineData("::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.ip6.arpa", "f.ip6.arpa")]
    [InlineData("8000::/1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.ip6.arpa", "f.ip6.arpa")]
    [InlineData("0.0.0.0/0", "203.0.113.9", "9.113.0.203.in-addr.arpa", "203.in-addr.arpa")]
    [InlineData("0.0.0.0/0", "255.255.255.255", "255.255.255.255.in-addr.arpa", "255.in-addr.arpa")]
    [InlineData("128.0.0.0/1", "255.255.255.255", "255.255.255.255.in-addr.arpa", "255.in-addr.arpa")]
    public void An_address_is_found_in_ranges_of_any_width(string range, string address, string name, string zone) =>
        Assert.Equal((ReverseMatch.Address, DnsNode.Key(IPAddress.Parse(address)), zone), Match(range, name));

    [Theory]
    [InlineData("10.42.0.1/32", "1.0.42.10.in-addr.arpa")]
    [InlineData("fd12::1/128", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.1.d.f.ip6.arpa")]
    public void A_range_of_one_address_is_a_zone_of_its_own(string range, string name)
    {
        Assert.Equal((ReverseMatch.Apex, name), (Match(range, name).Match, Match(range, name).Apex));
        Assert.Equal([name], DnsZone.ReverseDomains(IPNetwork.Parse(range)));
        Assert.Equal(ReverseMatch.None, Match(range, "2" + name[1..]).Match);
    }

    [Fact]
    public void Wide_ranges_of_one_family_hold_nothing_of_the_other_and_narrow_ones_end_where_they_end()
    {
        Assert.Equal(ReverseMatch.None, Match("::/0", "1.0.42.10.in-addr.arpa").Match);
        Assert.Equal(ReverseMatch.None, Match("0.0.0.0/0", "2.ip6.arpa").Match);
        Assert.Equal(ReverseMatch.None, Match("8000::/1", "7.ip6.arpa").Match);
        Assert.Equal(ReverseMatch.Apex, Match("8000::/1", "8.ip6.arpa").Match);
        Assert.Equal(ReverseMatch.None, Match("0.0.0.0/1", "128.in-addr.arpa").Match);
        Assert.Equal(ReverseMatch.Apex, Match("0.0.0.0/1", "127.in-addr.arpa").Match);
    }

    [Fact]
    public void A_system_is_told_of_16_zones_at_most()
    {
        Assert.Equal("0123456789abcdef".Select(c => $"{c}.ip6.arpa"), DnsZone.ReverseDomains(IPNetwork.Parse("::/0")));
        Assert.Equal(8, DnsZone.ReverseDomains(IPNetwork.Parse("8000::/1")).Count);
        Assert.Empty(DnsZone.ReverseDomains(IPNetwork.Parse("0.0.0.0/0")));
        Assert.Empty(DnsZone.ReverseDomains(IPNetwork.Parse("0.0.0.0/3")));
        Assert.Equal(16, DnsZone.ReverseDomains(IPNetwork.Parse("0.0.0.0/4")).Count);
    }
}
