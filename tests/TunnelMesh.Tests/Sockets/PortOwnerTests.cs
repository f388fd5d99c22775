using System.Net;
using System.Net.Sockets;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Tests.Sockets;

public class PortOwnerTests
{
    [Fact]
    public void The_listener_of_a_TCP_port_is_named_and_a_mere_connection_is_not()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only");
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        using TcpClient client = new();
        client.Connect((IPEndPoint)listener.LocalEndpoint);
        Assert.EndsWith($"(process {Environment.ProcessId})", PortOwner.Find(ProtocolType.Tcp, ((IPEndPoint)listener.LocalEndpoint).Port), StringComparison.Ordinal);
        Assert.Null(PortOwner.Find(ProtocolType.Tcp, ((IPEndPoint)client.Client.LocalEndPoint!).Port));
        Assert.Null(PortOwner.Find(ProtocolType.Udp, ((IPEndPoint)listener.LocalEndpoint).Port));
    }
}
