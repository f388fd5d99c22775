using System.Net;
using TunnelMesh.Protocol.PortMapping;

namespace TunnelMesh.Tests.ProtocolPortMapping;

/// <summary>Layouts by hand from RFC 6886 sections 3.2 and 3.3.</summary>
public class NatPmpMessageTests
{
    [Fact]
    public void Requests_are_laid_out_as_the_standard_says()
    {
        byte[] buffer = [.. Enumerable.Repeat((byte)0xee, 20)];
        Assert.Equal(2, NatPmpMessage.WriteAddressRequest(buffer));
        Assert.Equal([0, 0], buffer[..2]);
        Assert.Equal(12, NatPmpMessage.WriteMap(buffer, 2223, 4000, 3600));
        Assert.Equal(Convert.FromHexString("0001000008af0fa000000e10"), buffer[..12]);
    }

    [Fact]
    public void Responses_are_read()
    {
        Assert.True(NatPmpMessage.TryReadAddress(Convert.FromHexString("0080000000000007cb007105"), out NatPmpAddress address));
        Assert.Equal(new NatPmpAddress(0, 7, IPAddress.Parse("203.0.113.5")), address);
        Assert.True(NatPmpMessage.TryReadAddress(Convert.FromHexString("0080000300000007"), out address));
        Assert.Equal(new NatPmpAddress(3, 7, null), address);
        Assert.True(NatPmpMessage.TryReadMap(Convert.FromHexString("008100000000000708af0fa000000e10"), out NatPmpMapping mapping));
        Assert.Equal(new NatPmpMapping(0, 7, 2223, 4000, 3600), mapping);
        Assert.True(NatPmpMessage.TryReadMap(Convert.FromHexString("0081000200000007"), out mapping));
        Assert.Equal(2, mapping.Result);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0080")]
    [InlineData("0080000000000007cb0071")]
    [InlineData("0280000000000007cb007105")]
    [InlineData("0000000000000007cb007105")]
    public void What_is_cut_short_or_something_else_is_refused(string hex)
    {
        Assert.False(NatPmpMessage.TryReadAddress(Convert.FromHexString(hex), out _));
        Assert.False(NatPmpMessage.TryReadMap(Convert.FromHexString(hex), out _));
    }
}
