using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.Dns;
using TunnelMesh.Protocol.Dns;

namespace TunnelMesh.Tests.DnsResolver;

/// <summary>Queries over TCP as they come when the network or the asker is at its worst.</summary>
public sealed class DnsTcpTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly WatchedTime _time = new();
    private readonly DnsServer _server;
    private readonly IPEndPoint _endpoint;

    public DnsTcpTests()
    {
        DnsResponder responder = new(300, _time) { Zone = DnsZone.Build([DnsResponderTests.Host("nas", 2)], [IPNetwork.Parse("10.42.0.0/16")], 1, 10, []) };
        _server = new DnsServer(responder, new DnsForwarder(), _time);
        _endpoint = _server.Listen(new IPEndPoint(IPAddress.Loopback, 0));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static byte[] Framed(string name)
    {
        byte[] query = DnsAsk.Query(name, DnsType.A);
        return [(byte)(query.Length >> 8), (byte)query.Length, .. query];
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task<Socket> DialAsync(string from = "127.0.0.1")
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        await socket.ConnectAsync(_endpoint, Cancel);
        return socket;
    }

    private static async Task<DnsAsk> ReadAsync(Socket socket)
    {
        byte[] size = await FillAsync(socket, 2);
        return DnsAsk.Read(await FillAsync(socket, BinaryPrimitives.ReadUInt16BigEndian(size)));
    }

    private static async Task<byte[]> FillAsync(Socket socket, int length)
    {
        byte[] bytes = new byte[length];
        for (int at = 0; at < length;)
        {
            int read = await socket.ReceiveAsync(bytes.AsMemory(at), SocketFlags.None, Cancel).AsTask().WaitAsync(Patience, Cancel);
            Assert.True(read > 0, "the connection ended");
            at += read;
        }
        return bytes;
    }

    // Ended in whichever way: closing with bytes unread resets.
    private static async Task<bool> EndsAsync(Socket socket)
    {
        try
        {
            return await socket.ReceiveAsync(new byte[16], SocketFlags.None, Cancel).AsTask().WaitAsync(Patience, Cancel) == 0;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    private static async Task AskAsync(Socket socket)
    {
        await socket.SendAsync(Framed("nas.tm"), Cancel);
        Assert.Equal(["nas.tm. 300 10.42.0.2"], (await ReadAsync(socket)).Answers);
    }

    [Fact]
    public async Task Queries_in_one_segment_are_answered_in_their_order()
    {
        using Socket socket = await DialAsync();
        await socket.SendAsync((byte[])[.. Framed("nas.tm"), .. Framed("no.mesh"), .. Framed("nas.tunnelmesh"), .. Framed("example.com")], Cancel);
        Assert.Equal(["nas.tm. 300 10.42.0.2"], (await ReadAsync(socket)).Answers);
        Assert.Equal(DnsResponseCode.NameError, (await ReadAsync(socket)).Code);
        Assert.Equal(["nas.tunnelmesh. 300 10.42.0.2"], (await ReadAsync(socket)).Answers);
        Assert.Equal(DnsResponseCode.Refused, (await ReadAsync(socket)).Code);
        await AskAsync(socket);
    }

    [Fact]
    public async Task A_query_may_come_byte_by_byte_its_length_too()
    {
        using Socket socket = await DialAsync();
        foreach (byte one in Framed("nas.tm"))
        {
            await socket.SendAsync(new[] { one }, Cancel);
        }
        Assert.Equal(["nas.tm. 300 10.42.0.2"], (await ReadAsync(socket)).Answers);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(20)]
    public async Task A_query_that_ends_too_early_ends_the_connection_and_no_other(int bytes)
    {
        using Socket other = await DialAsync(), socket = await DialAsync();
        await socket.SendAsync(Framed("nas.tm").AsMemory(0, bytes), Cancel);
        socket.Shutdown(SocketShutdown.Send);
        Assert.True(await EndsAsync(socket));
        await AskAsync(other);
    }

    [Fact]
    public async Task Who_asks_and_has_no_more_to_say_is_answered()
    {
        using Socket socket = await DialAsync();
        await socket.SendAsync((byte[])[.. Framed("nas.tm"), .. Framed("no.mesh")], Cancel);
        socket.Shutdown(SocketShutdown.Send);
        Assert.Equal(["nas.tm. 300 10.42.0.2"], (await ReadAsync(socket)).Answers);
        Assert.Equal(DnsResponseCode.NameError, (await ReadAsync(socket)).Code);
        Assert.True(await EndsAsync(socket));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(DnsTcpListener.MaxQuery + 1)]
    [InlineData(65535)]
    public async Task A_query_of_nothing_or_of_more_than_is_taken_ends_the_connection(int length)
    {
        using Socket socket = await DialAsync();
        await socket.SendAsync((byte[])[(byte)(length >> 8), (byte)length], Cancel);
        Assert.True(await EndsAsync(socket));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(20)]
    public async Task Who_stalls_has_ten_seconds_from_the_answer_before(int bytes)
    {
        using Socket socket = await DialAsync();
        await _time.SetAsync(1, Cancel);
        await AskAsync(socket);
        // With the answer to be taken, and then with the next query.
        await _time.SetAsync(2, Cancel);
        byte[] query = Framed("nas.tm");
        await socket.SendAsync(query.AsMemory(0, bytes), Cancel);
        _time.Advance(DnsTcpListener.Idle - TimeSpan.FromMilliseconds(1));
        await socket.SendAsync(query.AsMemory(bytes), Cancel);
        Assert.Equal(["nas.tm. 300 10.42.0.2"], (await ReadAsync(socket)).Answers);
        await _time.SetAsync(2, Cancel);
        await socket.SendAsync(query.AsMemory(0, bytes), Cancel);
        _time.Advance(DnsTcpListener.Idle);
        Assert.True(await EndsAsync(socket));
    }

    [Fact]
    public async Task Of_one_source_the_oldest_connection_gives_way_and_in_all_the_oldest_of_any()
    {
        List<Socket> all = [];
        try
        {
            for (int source = 1; source <= DnsTcpListener.MaxInAll / DnsTcpListener.MaxPerSource; source++)
            {
                for (int i = 0; i < DnsTcpListener.MaxPerSource; i++)
                {
                    all.Add(await DialAsync($"127.0.0.{source}"));
                    // Answered, so it is counted before the next one comes.
                    await AskAsync(all[^1]);
                }
            }
            Socket second = await DialAsync("127.0.0.2");
            all.Add(second);
            await AskAsync(second);
            Assert.True(await EndsAsync(all[DnsTcpListener.MaxPerSource]));
            await AskAsync(all[0]);

            all.Add(await DialAsync("127.0.0.9"));
            await AskAsync(all[^1]);
            Assert.True(await EndsAsync(all[0]));
            foreach (Socket socket in all.Where((_, i) => i is not (0 or DnsTcpListener.MaxPerSource)))
            {
                await AskAsync(socket);
            }
        }
        finally
        {
            all.ForEach(s => s.Dispose());
        }
    }

    /// <summary>Tells of every timer that is set.</summary>
    private sealed class WatchedTime : FakeTimeProvider
    {
        private readonly Channel<TimeSpan> _timers = Channel.CreateUnbounded<TimeSpan>();

        /// <summary>Returns when so many more are set, each to the patience of the resolver.</summary>
        public async Task SetAsync(int timers, CancellationToken cancel)
        {
            for (; timers > 0; timers--)
            {
                Assert.Equal(DnsTcpListener.Idle, await _timers.Reader.ReadAsync(cancel).AsTask().WaitAsync(Patience, cancel));
            }
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            ITimer timer = base.CreateTimer(callback, state, dueTime, period);
            _timers.Writer.TryWrite(dueTime);
            return timer;
        }
    }
}
