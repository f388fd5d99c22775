using System.Net.Sockets;
using System.Text;
using TunnelMesh.Platform.Services;

namespace TunnelMesh.Tests.Services;

public sealed class NotifySocketTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_message_is_one_datagram(bool isAbstract)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "datagram sockets with a path are Linux's");
        DirectoryInfo folder = Directory.CreateTempSubdirectory("tm");
        try
        {
            string path = Path.Combine(folder.FullName, "notify");
            using Socket manager = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            manager.Bind(new UnixDomainSocketEndPoint(isAbstract ? "\0" + path : path));
            using NotifySocket socket = NotifySocket.Open((isAbstract ? "@" : "") + path)!;
            Assert.True(socket.Tell("READY=1\nSTATUS=ä"));
            Assert.True(socket.Tell("STOPPING=1"));
            byte[] buffer = new byte[256];
            Assert.Equal("READY=1\nSTATUS=ä", Encoding.UTF8.GetString(buffer, 0, manager.Receive(buffer)));
            Assert.Equal("STOPPING=1", Encoding.UTF8.GetString(buffer, 0, manager.Receive(buffer)));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("@")]
    [InlineData("notify")]
    [InlineData("vsock:2:1234")]
    public void What_is_no_socket_is_as_good_as_none(string? path) => Assert.Null(NotifySocket.Open(path));

    [Fact]
    public void A_manager_that_is_gone_or_a_path_too_long_is_no_failure()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "datagram sockets with a path are Linux's");
        Assert.Null(NotifySocket.Open("/" + new string('x', 200)));
        using NotifySocket socket = NotifySocket.Open("/nowhere/notify")!;
        Assert.False(socket.Tell("READY=1"));
    }
}
