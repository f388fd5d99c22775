using System.Net;
using TunnelMesh.Protocol.PortMapping;

namespace TunnelMesh.Tests.ProtocolPortMapping;

/// <summary>Layouts by hand from RFC 6887 figures 2, 3 and 9; the system tests talk to a real server.</summary>
public class PcpMessageTests
{
    private const string Nonce = "0102030405060708090a0b0c";

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    [Fact]
    public void A_request_is_laid_out_as_the_standard_says()
    {
        byte[] buffer = new byte[100];
        PcpMapRequest request = new(IPAddress.Parse("192.168.7.2"), new PcpNonce(0x0102030405060708, 0x090a0b0c), 2223, 2223, IPAddress.Parse("203.0.113.5"), 3600);
        Assert.Equal(60, PcpMessage.WriteMap(buffer, request));
        Assert.Equal(
            Bytes("02 01 0000 00000e10 00000000000000000000ffffc0a80702" + Nonce + "11 000000 08af 08af 00000000000000000000ffffcb007105"),
            buffer[..60]);
        PcpMessage.WriteMap(buffer, request with { Client = IPAddress.Parse("2001:db8::2"), SuggestedAddress = null, SuggestedPort = 0, LifetimeSeconds = 0 });
        Assert.Equal(
            Bytes("02 01 0000 00000000 20010db8000000000000000000000002" + Nonce + "11 000000 08af 0000 00000000000000000000000000000000"),
            buffer[..60]);
        PcpMessage.WriteMap(buffer, request with { SuggestedAddress = null });
        Assert.Equal(Bytes("00000000000000000000ffff00000000"), buffer[44..60]);
    }

    [Fact]
    public void A_response_is_read()
    {
        Assert.True(PcpMessage.TryReadResponse(
            Bytes("02 81 00 00 00000e10 00000007 000000000000000000000000" + Nonce + "11 000000 08af c001 00000000000000000000ffffcb007105"), out PcpResponse? response));
        Assert.Equal(
            new PcpResponse(PcpOpcode.Map, PcpResultCode.Success, 3600, 7, new PcpNonce(0x0102030405060708, 0x090a0b0c), 2223, new IPEndPoint(IPAddress.Parse("203.0.113.5"), 49153)),
            response);
        Assert.True(PcpMessage.TryReadResponse(Bytes("02 80 00 00 00000000 00000007 000000000000000000000000"), out response));
        Assert.Equal((PcpOpcode.Announce, 7U), (response!.Opcode, response.Epoch));
    }

    [Theory]
    [InlineData("02 81 00 00 00000e10 00000007 0000000000000000000000", false)]
    [InlineData("02 01 00 00 00000e10 00000007 000000000000000000000000", false)]
    [InlineData("02 81 00 00 00000e10 00000007 000000000000000000000000", false)]
    [InlineData("02 81 00 00 00000e10 00000007 000000000000000000000000" + Nonce + "06 000000 08af c001 00000000000000000000ffffcb007105", false)]
    [InlineData("02 82 00 00 00000e10 00000007 000000000000000000000000" + Nonce + "11 000000 08af c001 00000000000000000000ffffcb007105", false)]
    [InlineData("00 81 0001 00000007", true)]
    [InlineData("01 81 0001 00000007", true)]
    [InlineData("00 01 0001 00000007", false)]
    [InlineData("", false)]
    public void What_is_no_response_is_refused_and_older_versions_are_known(string hex, bool other)
    {
        Assert.False(PcpMessage.TryReadResponse(Bytes(hex), out _));
        Assert.Equal(other, PcpMessage.IsOtherVersion(Bytes(hex)));
    }

    [Theory]
    [InlineData(1000, 1060, 60, false)]
    [InlineData(1000, 1000, 0.4, false)]
    [InlineData(1000, 999, 0.4, false)]
    [InlineData(1000, 998, 0.4, true)]
    [InlineData(1000, 3, 60, true)]
    [InlineData(1000, 1030, 60, true)]
    [InlineData(1000, 1090, 60, true)]
    [InlineData(1000, 4600, 3700, false)]
    [InlineData(1000, 4300, 3600, true)]
    public void A_gateway_that_has_lost_its_state_shows_by_its_epoch(uint first, uint second, double seconds, bool lost)
    {
        GatewayEpoch epoch = new();
        TimeSpan start = TimeSpan.FromDays(3);
        Assert.False(epoch.IsLost(first, start));
        Assert.Equal(lost, epoch.IsLost(second, start + TimeSpan.FromSeconds(seconds)));
        epoch.Clear();
        Assert.False(epoch.IsLost(0, start));
    }
}
