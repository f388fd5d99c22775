using System.Net;
using TunnelMesh.Protocol.Addressing;

namespace TunnelMesh.Tests.Addressing;

public class MeshAddressesTests
{
    [Fact]
    public void The_default_range_is_laid_out_as_documented()
    {
        IPNetwork cidr = IPNetwork.Parse(MeshAddresses.DefaultCidr);
        AddressRange devices = MeshAddresses.DeviceRange(cidr), clients = MeshAddresses.WireGuardRange(cidr);
        Assert.Equal(("10.42.0.1", "10.42.99.255"), (devices.First.ToString(), devices.Last.ToString()));
        Assert.Equal(("10.42.100.1", "10.42.255.254"), (clients.First.ToString(), clients.Last.ToString()));
        Assert.True(devices.Contains(IPAddress.Parse("10.42.7.9")));
        Assert.False(devices.Contains(IPAddress.Parse("10.42.100.0")));
        Assert.False(devices.Contains(IPAddress.IPv6Loopback));
    }

    [Fact]
    public void Every_size_keeps_both_ranges_inside_and_apart()
    {
        for (int length = MeshAddresses.MinPrefixLength; length <= MeshAddresses.MaxPrefixLength; length++)
        {
            IPNetwork cidr = new(IPAddress.Parse("10.0.0.0"), length);
            AddressRange devices = MeshAddresses.DeviceRange(cidr), clients = MeshAddresses.WireGuardRange(cidr);
            Assert.True(cidr.Contains(devices.First) && cidr.Contains(devices.Last) && cidr.Contains(clients.First) && cidr.Contains(clients.Last));
            Assert.NotEqual(cidr.BaseAddress, devices.First);
            Assert.True(devices.FirstValue <= devices.LastValue && devices.LastValue < clients.FirstValue && clients.FirstValue <= clients.LastValue);
        }
    }

    [Theory]
    [InlineData("10.0.0.0/30")]
    [InlineData("fd00::/48")]
    [InlineData("rubbish")]
    [InlineData("0.0.0.0/0")]
    [InlineData("8.0.0.0/8")]
    [InlineData("198.51.100.0/24")]
    [InlineData("172.0.0.0/8")]
    [InlineData("172.32.0.0/16")]
    [InlineData("192.168.0.0/15")]
    [InlineData("100.128.0.0/16")]
    [InlineData("127.0.0.0/8")]
    [InlineData("169.254.0.0/16")]
    [InlineData("224.0.0.0/8")]
    public void Ranges_that_cannot_hold_a_mesh_are_refused(string text)
    {
        Assert.False(MeshAddresses.TryParseCidr(text, out _, out string error));
        Assert.Contains(text, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("10.0.0.0/8")]
    [InlineData("172.31.0.0/16")]
    [InlineData("192.168.0.0/16")]
    [InlineData("192.168.7.0/28")]
    [InlineData("100.64.0.0/10")]
    [InlineData("100.127.255.0/24")]
    public void Private_ranges_can(string text)
    {
        Assert.True(MeshAddresses.TryParseCidr(text, out IPNetwork cidr, out string error), error);
        Assert.Equal(text, cidr.ToString());
    }

    [Fact]
    public void Host_bits_in_a_range_are_cleared()
    {
        Assert.True(MeshAddresses.TryParseCidr("10.42.0.1/16", out IPNetwork cidr, out _));
        Assert.Equal(IPNetwork.Parse("10.42.0.0/16"), cidr);
    }

    [Fact]
    public void The_IPv6_address_carries_the_IPv4_address()
    {
        IPNetwork ula = MeshAddresses.Ula("123456789a");
        Assert.Equal(IPNetwork.Parse("fd12:3456:789a::/48"), ula);
        Assert.Equal(IPAddress.Parse("fd12:3456:789a::10.42.0.7"), MeshAddresses.ToIPv6(ula, IPAddress.Parse("10.42.0.7")));
    }
}
