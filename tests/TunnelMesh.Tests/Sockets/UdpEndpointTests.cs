using System.Net;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Tests.Sockets;

public class UdpEndpointTests
{
    [Theory]
    [InlineData("192.0.2.7:51820")]
    [InlineData("[2001:db8::1]:1")]
    [InlineData("[fe80::1%3]:65535")]
    [InlineData("255.255.255.255:9")]
    public void An_endpoint_survives_the_way_to_the_value_and_back(string text)
    {
        IPEndPoint endpoint = IPEndPoint.Parse(text);
        Assert.Equal(endpoint, UdpEndpoint.From(endpoint).ToIPEndPoint());
    }

    [Fact]
    public void An_IPv4_address_and_its_v4_mapped_form_are_one_endpoint()
    {
        var plain = UdpEndpoint.From(IPEndPoint.Parse("192.0.2.7:51820"));
        var mapped = UdpEndpoint.From(IPEndPoint.Parse("[::ffff:192.0.2.7]:51820"));
        Assert.Equal(plain, mapped);
        Assert.True(mapped.IsIPv4);
        Assert.Equal(0xC0000207u, mapped.IPv4);
        Assert.False(UdpEndpoint.From(IPEndPoint.Parse("[2001:db8::1]:1")).IsIPv4);
    }
}
