using TunnelMesh.Node.Dns;
using TunnelMesh.Protocol.Dns;

namespace TunnelMesh.Tests.DnsResolver;

public sealed class DnsDetourTests
{
    private static bool IsDirect(DnsDetour detour, string name)
    {
        byte[] wire = new byte[DnsName.MaxBytes];
        Assert.True(DnsName.TryWrite(name, wire, out int length));
        return detour.IsDirect(wire.AsSpan(0, length));
    }

    [Theory]
    [InlineData("vpn.example.com", true)]
    [InlineData("www.vpn.example.com", false)]
    [InlineData("example.com", false)]
    [InlineData("com", false)]
    [InlineData("vpn.example.org", false)]
    public void Only_the_very_name_is_direct(string name, bool direct) => Assert.Equal(direct, IsDirect(new DnsDetour([], "VPN.Example.com"), name));

    [Theory]
    [InlineData("192.0.2.1")]
    [InlineData("2001:db8::1")]
    [InlineData("b\u00fccher.example")]
    [InlineData("")]
    public void Where_the_coordinator_was_given_by_address_or_by_what_is_no_name_nothing_is(string dialled)
    {
        DnsDetour detour = new([], dialled);
        Assert.False(IsDirect(detour, "example.com"));
        Assert.False(IsDirect(detour, "1"));
        Assert.False(detour.IsDirect([0]));
    }
}
