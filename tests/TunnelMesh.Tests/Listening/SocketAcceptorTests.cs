using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using TunnelMesh.Node.Listening;

namespace TunnelMesh.Tests.Listening;

public sealed class SocketAcceptorTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static Socket Listen()
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen();
        return socket;
    }

    private static async Task<Socket> DialAsync(EndPoint endpoint)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(endpoint, Cancel);
        return socket;
    }

    private static async Task<bool> EndsAsync(Socket socket)
    {
        try
        {
            return await socket.ReceiveAsync(new byte[1], SocketFlags.None, Cancel).AsTask().WaitAsync(Patience, Cancel) == 0;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    [Fact]
    public async Task Several_sockets_share_the_places_and_who_is_beyond_them_waits_until_one_is_free()
    {
        Channel<TaskCompletionSource> served = Channel.CreateUnbounded<TaskCompletionSource>();
        await using SocketAcceptor acceptor = new(async (socket, stop) =>
        {
            using Socket mine = socket;
            TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
            await served.Writer.WriteAsync(done, stop);
            await done.Task;
        }, TimeProvider.System, most: 2);
        Socket one = Listen(), other = Listen();
        EndPoint atOne = one.LocalEndPoint!, atOther = other.LocalEndPoint!;
        acceptor.Add(one);
        acceptor.Add(other);
        using Socket a = await DialAsync(atOne);
        TaskCompletionSource first = await served.Reader.ReadAsync(Cancel);
        // The other socket, at which nobody connects, has no place for itself.
        using Socket b = await DialAsync(atOne);
        TaskCompletionSource second = await served.Reader.ReadAsync(Cancel);
        using Socket c = await DialAsync(atOther), d = await DialAsync(atOther);
        Task<TaskCompletionSource> third = served.Reader.ReadAsync(Cancel).AsTask();
        Assert.False(third.IsCompleted);
        first.SetResult();
        Assert.True(await EndsAsync(a));
        (await third.WaitAsync(Patience, Cancel)).SetResult();
        Assert.True(await EndsAsync(c));
        (await served.Reader.ReadAsync(Cancel)).SetResult();
        Assert.True(await EndsAsync(d));
        second.SetResult();
        Assert.True(await EndsAsync(b));
    }

    [Fact]
    public async Task A_stop_tells_who_serves_waits_for_them_and_takes_nobody_more()
    {
        TaskCompletionSource told = new(TaskCreationOptions.RunContinuationsAsynchronously), go = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource serving = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int served = 0;
        SocketAcceptor acceptor = new(async (socket, stop) =>
        {
            using Socket mine = socket;
            Interlocked.Increment(ref served);
            serving.SetResult();
            using CancellationTokenRegistration registration = stop.Register(told.SetResult);
            await go.Task;
        }, TimeProvider.System, most: 1);
        Socket listener = Listen();
        EndPoint endpoint = listener.LocalEndPoint!;
        acceptor.Add(listener);
        using Socket client = await DialAsync(endpoint), waiting = await DialAsync(endpoint);
        await serving.Task.WaitAsync(Patience, Cancel);
        Task stopping = acceptor.DisposeAsync().AsTask();
        await told.Task.WaitAsync(Patience, Cancel);
        Assert.False(stopping.IsCompleted);
        Assert.True(await EndsAsync(waiting));
        go.SetResult();
        await stopping.WaitAsync(Patience, Cancel);
        Assert.True(await EndsAsync(client));
        Assert.Equal(1, served);
        await Assert.ThrowsAsync<SocketException>(() => DialAsync(endpoint));

        // Once more is no harm, and what is added too late is closed.
        await acceptor.DisposeAsync();
        Socket late = Listen();
        acceptor.Add(late);
        Assert.Throws<ObjectDisposedException>(late.Accept);
    }

    [Fact]
    public async Task A_socket_that_was_handed_on_outlives_the_stop()
    {
        Channel<Socket> handed = Channel.CreateUnbounded<Socket>();
        SocketAcceptor acceptor = new((socket, stop) => handed.Writer.WriteAsync(socket, stop).AsTask(), TimeProvider.System);
        Socket listener = Listen();
        EndPoint endpoint = listener.LocalEndPoint!;
        acceptor.Add(listener);
        using Socket client = await DialAsync(endpoint);
        using Socket mine = await handed.Reader.ReadAsync(Cancel);
        await acceptor.DisposeAsync();
        await mine.SendAsync(new byte[] { 7 }, Cancel);
        byte[] read = new byte[2];
        Assert.Equal((1, 7), (await client.ReceiveAsync(read, Cancel), read[0]));
    }

    [Fact]
    public async Task Connections_are_begun_in_the_order_in_which_they_came()
    {
        Channel<int> ports = Channel.CreateUnbounded<int>();
        await using SocketAcceptor acceptor = new((socket, stop) =>
        {
            using Socket mine = socket;
            return ports.Writer.WriteAsync(((IPEndPoint)socket.RemoteEndPoint!).Port, stop).AsTask();
        }, TimeProvider.System);
        Socket listener = Listen();
        EndPoint endpoint = listener.LocalEndPoint!;
        List<Socket> clients = [];
        for (int i = 0; i < 50; i++)
        {
            clients.Add(await DialAsync(endpoint));
        }
        acceptor.Add(listener);
        foreach (Socket client in clients)
        {
            Assert.Equal(((IPEndPoint)client.LocalEndPoint!).Port, await ports.Reader.ReadAsync(Cancel));
        }
        clients.ForEach(c => c.Dispose());
    }
}
