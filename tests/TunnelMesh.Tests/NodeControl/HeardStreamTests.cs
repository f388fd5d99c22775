using System.Net;
using System.Net.Sockets;
using TunnelMesh.Node.Control;

namespace TunnelMesh.Tests.NodeControl;

public sealed class HeardStreamTests
{
    [Fact]
    public async Task Only_bytes_that_come_end_a_silence()
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        Socket near = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await near.ConnectAsync(listener.LocalEndPoint!, cancel);
        using Socket far = await listener.AcceptAsync(cancel);
        await using HeardStream stream = new(near);
        await Task.Delay(100, cancel);
        TimeSpan before = stream.Silence;
        Assert.True(before >= TimeSpan.FromMilliseconds(80));
        await stream.WriteAsync(new byte[1], cancel);
        Assert.True(stream.Silence >= before);
        await far.SendAsync(new byte[3], cancel);
        long read = Environment.TickCount64;
        Assert.Equal(3, await stream.ReadAsync(new byte[8], cancel));
        Assert.InRange(stream.Silence.TotalMilliseconds, 0, Environment.TickCount64 - read);
        far.Shutdown(SocketShutdown.Send);
        await Task.Delay(50, cancel);
        Assert.Equal(0, await stream.ReadAsync(new byte[8], cancel));
        Assert.True(stream.Silence >= TimeSpan.FromMilliseconds(40));
    }
}
