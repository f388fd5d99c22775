using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Tests.Tun;

public class TunOptionsTests
{
    [Theory]
    [InlineData("", 1420)]
    [InlineData("sixteen-bytes-xx", 1420)]
    [InlineData("a/b", 1420)]
    [InlineData("a%d", 1420)]
    [InlineData("tm0", 575)]
    [InlineData("tm0", 65536)]
    public void Names_and_sizes_the_system_would_misread_are_refused_before_it_is_asked(string name, int mtu) =>
        Assert.Equal(TunError.BadOptions, Assert.Throws<TunException>(() => TunDevice.Open(new TunOptions { Name = name, Mtu = mtu })).Error);
}
