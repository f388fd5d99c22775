using System.Net;
using System.Text;
using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Tests.Tun;

/// <summary>Sizes and offsets are those that a C compiler gives the structures of xnu's headers, for arm64 and x86-64 of macOS alike (clang).</summary>
public class UtunRequestsTests
{
    [Fact]
    public void Request_numbers_carry_the_size_of_their_argument()
    {
        Assert.Equal(UtunRequests.RequestBytes, SizeIn(MacOSNative.SioCSIfMtu));
        Assert.Equal(UtunRequests.RequestBytes, SizeIn(MacOSNative.SioCSIfFlags));
        Assert.Equal(UtunRequests.RequestBytes, SizeIn(MacOSNative.SioCGIfFlags));
        Assert.Equal(UtunRequests.AliasBytes, SizeIn(MacOSNative.SioCAIfAddr));
        Assert.Equal(UtunRequests.Alias6Bytes, SizeIn(MacOSNative.SioCAIfAddrIn6));
        Assert.Equal(UtunRequests.ControlInfoBytes, SizeIn(MacOSNative.CtlIocGInfo));
        Assert.Equal(sizeof(int), SizeIn(MacOSNative.FioNbIo));
        Assert.Equal(0, SizeIn(MacOSNative.FioClEx));

        // _IOC_PARAMMASK of sys/ioccom.h.
        static int SizeIn(uint request) => (int)(request >> 16) & 0x1fff;
    }

    [Fact]
    public void The_MTU_and_the_flags_lie_behind_the_name()
    {
        byte[] mtu = UtunRequests.Mtu("utun12", 1400);
        Assert.Equal("7574756e313200000000000000000000" + "78050000000000000000000000000000", Convert.ToHexStringLower(mtu));
        byte[] flags = UtunRequests.Flags("utun12");
        (flags[16], flags[17]) = (0x10, 0x80);
        UtunRequests.BringUp(flags);
        Assert.Equal("7574756e313200000000000000000000" + "11800000000000000000000000000000", Convert.ToHexStringLower(flags));
    }

    [Fact]
    public void An_address_of_IPv4_is_its_own_other_end_under_a_host_mask() =>
        Assert.Equal(
            "7574756e330000000000000000000000" + "100200000a2a00070000000000000000" + "100200000a2a00070000000000000000" + "10020000ffffffff0000000000000000",
            Convert.ToHexStringLower(UtunRequests.Alias("utun3", IPAddress.Parse("10.42.0.7"))));

    [Fact]
    public void An_address_of_IPv6_has_no_other_end_no_detection_of_duplicates_and_no_end_of_life() =>
        Assert.Equal(
            "7574756e330000000000000000000000"
            + "1c1e000000000000fd00000000000000000000000000000700000000"
            + new string('0', 56)
            + "1c1e000000000000ffffffffffffffffffffffffffffffff00000000"
            + "20000000" + "0000000000000000" + "0000000000000000" + "ffffffff" + "ffffffff",
            Convert.ToHexStringLower(UtunRequests.Alias("utun3", IPAddress.Parse("fd00::7"))));

    [Fact]
    public void The_control_is_asked_for_by_name_and_connected_to_by_number()
    {
        byte[] info = UtunRequests.ControlInfo();
        Assert.Equal(UtunRequests.ControlInfoBytes, info.Length);
        Assert.Equal("com.apple.net.utun_control", Encoding.ASCII.GetString(info, 4, 96).TrimEnd('\0'));
        info[0] = 0x0a;
        Assert.Equal(10u, UtunRequests.ControlId(info));
        Assert.Equal("20200200" + "0a000000" + "05000000" + new string('0', 40), Convert.ToHexStringLower(UtunRequests.ControlAddress(10, 5)));
    }

    [Theory]
    [InlineData("utun0", 1)]
    [InlineData("utun7", 8)]
    [InlineData("utun", 0)]
    [InlineData("utun-1", 0)]
    [InlineData("utun70000", 0)]
    [InlineData("tun-mesh0", 0)]
    public void Only_a_name_of_the_systems_own_kind_chooses_the_interface(string name, uint unit) => Assert.Equal(unit, UtunRequests.UnitOf(name));
}
