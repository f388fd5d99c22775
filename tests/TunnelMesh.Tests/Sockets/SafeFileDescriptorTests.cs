using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Tests.Sockets;

public class SafeFileDescriptorTests
{
    [Fact]
    public void A_call_that_fails_gives_a_descriptor_that_says_so()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only");
        using SafeFileDescriptor missing = LinuxNative.Open("/nonexistent/tun", LinuxNative.ORdWr | LinuxNative.OCloExec, 0);
        Assert.True(missing.IsInvalid);
        using SafeFileDescriptor impossible = UnixNative.Socket(9999, UnixNative.SockDgram, 0);
        Assert.True(impossible.IsInvalid);
        using SafeFileDescriptor good = LinuxNative.Open("/dev/null", LinuxNative.ORdWr | LinuxNative.OCloExec, 0);
        Assert.False(good.IsInvalid);
    }
}
