using System.Net;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Tests.Sockets;

public unsafe class SocketNameFormatTests
{
    [Theory]
    [InlineData("linux", "192.0.2.1", true, "0a0008af0000000000000000000000000000ffffc000020100000000")]
    [InlineData("linux", "2001:db8::1", true, "0a0008af0000000020010db800000000000000000000000100000000")]
    [InlineData("linux", "192.0.2.1", false, "020008afc0000201")]
    [InlineData("macos", "192.0.2.1", true, "1c1e08af0000000000000000000000000000ffffc000020100000000")]
    [InlineData("macos", "fe80::1%5", true, "1c1e08af00000000fe80000000000000000000000000000105000000")]
    [InlineData("macos", "192.0.2.1", false, "100208afc0000201")]
    [InlineData("windows", "192.0.2.1", true, "170008af0000000000000000000000000000ffffc000020100000000")]
    [InlineData("windows", "2001:db8::1", true, "170008af0000000020010db800000000000000000000000100000000")]
    [InlineData("windows", "192.0.2.1", false, "020008afc0000201")]
    public void Names_are_written_as_each_system_has_them_and_read_back(string system, string address, bool v6, string expected)
    {
        SocketNameFormat format = Format(system);
        var endpoint = UdpEndpoint.From(new IPEndPoint(IPAddress.Parse(address), 2223));
        byte[] name = new byte[SocketNameFormat.Bytes];
        new Random(1).NextBytes(name);
        fixed (byte* p = name)
        {
            Assert.Equal(v6 ? 28u : 16u, format.Write(p, endpoint, v6));
            Assert.Equal(expected.PadRight(56, '0'), Convert.ToHexStringLower(name));
            Assert.Equal(endpoint, format.Read(p));
        }
    }

    [Theory]
    [InlineData("linux")]
    [InlineData("macos")]
    [InlineData("windows")]
    public void A_socket_of_IPv4_reaches_no_IPv6(string system)
    {
        byte* name = stackalloc byte[SocketNameFormat.Bytes];
        Assert.Equal(0u, Format(system).Write(name, UdpEndpoint.From(new IPEndPoint(IPAddress.Parse("2001:db8::1"), 1)), v6: false));
    }

    private static SocketNameFormat Format(string system) =>
        system switch { "linux" => SocketNameFormat.Linux, "macos" => SocketNameFormat.MacOS, _ => SocketNameFormat.Windows };
}
