using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using TunnelMesh.Node.Dns;
using TunnelMesh.Protocol.Dns;

namespace TunnelMesh.Tests.DnsResolver;

public sealed class DnsServerTests : IAsyncDisposable
{
    private static readonly IPEndPoint Anywhere = new(IPAddress.Loopback, 0);

    // Less than the first server has.
    private static readonly TimeSpan AtOnce = TimeSpan.FromMilliseconds(900);
    private readonly DnsResponder _responder = new(300, TimeProvider.System);
    private readonly DnsForwarder _forwarder = new();
    private readonly DnsServer _server;
    private readonly IPEndPoint _endpoint;

    public DnsServerTests()
    {
        _responder.Zone = DnsZone.Build([DnsResponderTests.Host("nas", 2)], [IPNetwork.Parse("10.42.0.0/16")], 1, 10, []);
        _server = new DnsServer(_responder, _forwarder, TimeProvider.System);
        _endpoint = _server.Listen(Anywhere);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static async Task<DnsAsk> AskUdpAsync(IPEndPoint server, byte[] query)
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(server, Cancel);
        await socket.SendAsync(query, Cancel);
        byte[] answer = new byte[4096];
        int length = await socket.ReceiveAsync(answer, Cancel).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Cancel);
        Assert.Equal(query[..2], answer[..2]);
        return DnsAsk.Read(answer.AsSpan(0, length));
    }

    private static async Task<List<DnsAsk>> AskTcpAsync(IPEndPoint server, params byte[][] queries)
    {
        using TcpClient client = new();
        await client.ConnectAsync(server, Cancel);
        NetworkStream stream = client.GetStream();
        List<DnsAsk> answers = [];
        // All at once, and the first in two parts.
        byte[] all = [.. queries.SelectMany(q => (byte[])[(byte)(q.Length >> 8), (byte)q.Length, .. q])];
        await stream.WriteAsync(all.AsMemory(0, 1), Cancel);
        await stream.WriteAsync(all.AsMemory(1), Cancel);
        for (int i = 0; i < queries.Length; i++)
        {
            byte[] size = new byte[2];
            await stream.ReadExactlyAsync(size, Cancel);
            byte[] answer = new byte[BinaryPrimitives.ReadUInt16BigEndian(size)];
            await stream.ReadExactlyAsync(answer, Cancel);
            answers.Add(DnsAsk.Read(answer));
        }
        return answers;
    }

    // What a member's question becomes, null for this machine's.
    private async Task<DnsAsk> ForwardAsync(string name, string? member)
    {
        byte[] answer = new byte[DnsForwarder.MaxUdpAnswer];
        DnsAsker asker = member is null ? DnsAsker.Own : DnsAsker.Of(DnsSource.Of(IPAddress.Parse(member)));
        return DnsAsk.Read(answer.AsSpan(0, await _forwarder.AskAsync(DnsAsk.Query(name, DnsType.A), asker, stream: false, answer)));
    }

    [Fact]
    public async Task Names_are_answered_over_UDP_and_TCP()
    {
        Assert.Equal(["nas.tunnelmesh. 300 10.42.0.2"], (await AskUdpAsync(_endpoint, DnsAsk.Query("nas.tunnelmesh", DnsType.A))).Answers);
        List<DnsAsk> answers = await AskTcpAsync(_endpoint, DnsAsk.Query("nas.tm", DnsType.A), DnsAsk.Query("no.mesh", DnsType.A));
        Assert.Equal(["nas.tm. 300 10.42.0.2"], answers[0].Answers);
        Assert.Equal(DnsResponseCode.NameError, answers[1].Code);
    }

    [Theory]
    [InlineData(DnsResponder.MaxUdp, 0, DnsResponseCode.NoError)]
    [InlineData(DnsResponder.MaxUdp + 1, 0, DnsResponseCode.FormatError)]
    [InlineData(DnsResponder.MaxUdp, 1, DnsResponseCode.FormatError)]
    [InlineData(DnsResponder.MaxUdp, 500, DnsResponseCode.FormatError)]
    [InlineData(9000, 0, DnsResponseCode.FormatError)]
    public async Task A_datagram_of_more_than_1232_bytes_is_no_query_whatever_it_begins_with(int size, int more, DnsResponseCode expected)
    {
        byte[] query = DnsAsk.Query("nas.tm", DnsType.A, 4096);
        // Padding (RFC 7830), and bytes behind the message.
        int padding = size - query.Length - 4;
        (query[^2], query[^1]) = ((byte)((padding + 4) >> 8), (byte)(padding + 4));
        byte[] datagram = [.. query, 0, 12, (byte)(padding >> 8), (byte)padding, .. new byte[padding + more]];
        Assert.Equal(expected, (await AskUdpAsync(_endpoint, datagram)).Code);
        Assert.Equal(expected == DnsResponseCode.NoError ? 0 : 1, _server.Counts.Malformed);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_told()
    {
        DnsListenException e = Assert.Throws<DnsListenException>(() => _server.Listen(_endpoint));
        Assert.Equal(SocketError.AddressAlreadyInUse, e.Error);
        Assert.Equal([_endpoint], _server.Endpoints);
        await Task.CompletedTask;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Programs_of_multicast_DNS_live_beside_it_whoever_comes_first(bool first)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "others have other rules for sockets at one port");
        (Socket multicast, IPEndPoint at) = first ? BesideWildcard() : WildcardBeside();
        using (multicast)
        {
            Assert.Equal(["nas.tunnelmesh. 300 10.42.0.2"], (await AskUdpAsync(at, DnsAsk.Query("nas.tunnelmesh", DnsType.A))).Answers);
            Assert.Equal(["nas.tunnelmesh. 300 10.42.0.2"], (await AskTcpAsync(at, DnsAsk.Query("nas.tunnelmesh", DnsType.A)))[0].Answers);
            Assert.Equal(0, multicast.Available);
            // A second resolver is noticed all the same, and takes no question away.
            Assert.Equal(SocketError.AddressAlreadyInUse, Assert.Throws<DnsListenException>(() => _server.Listen(at, besideWildcards: true)).Error);
            Assert.Equal(["nas.tunnelmesh. 300 10.42.0.2"], (await AskUdpAsync(at, DnsAsk.Query("nas.tunnelmesh", DnsType.A))).Answers);
        }
    }

    [Fact]
    public async Task Whoever_does_not_share_the_port_keeps_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "others have other rules for sockets at one port");
        using Socket other = Wildcard(0, shares: false);
        Assert.Throws<DnsListenException>(() => _server.Listen(new IPEndPoint(IPAddress.Loopback, ((IPEndPoint)other.LocalEndPoint!).Port), besideWildcards: true));
        Assert.Throws<SocketException>(() => Wildcard(_endpoint.Port));
        await Task.CompletedTask;
    }

    // As avahi and systemd-resolved have it.
    private static Socket Wildcard(int port, bool shares = true)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            if (shares)
            {
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            }
            socket.Bind(new IPEndPoint(IPAddress.Any, port));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private (Socket Multicast, IPEndPoint At) BesideWildcard()
    {
        for (int left = 20; ; left--)
        {
            Socket multicast = Wildcard(0);
            try
            {
                return (multicast, _server.Listen(new IPEndPoint(IPAddress.Loopback, ((IPEndPoint)multicast.LocalEndPoint!).Port), besideWildcards: true));
            }
            catch (DnsListenException) when (left > 1)
            {
                // The port is another program's over TCP.
                multicast.Dispose();
            }
        }
    }

    private (Socket Multicast, IPEndPoint At) WildcardBeside()
    {
        for (int left = 20; ; left--)
        {
            IPEndPoint at = _server.Listen(Anywhere, besideWildcards: true);
            try
            {
                return (Wildcard(at.Port), at);
            }
            catch (SocketException) when (left > 1)
            {
                // Another program has the port at another address.
            }
        }
    }

    [Fact]
    public async Task Askers_that_are_gone_before_the_answer_do_not_slow_the_others_down()
    {
        // Windows tells a socket of UDP of them, so that the next receive fails.
        for (int i = 0; i < 200; i++)
        {
            using Socket gone = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            await gone.SendToAsync(DnsAsk.Query("nas.tunnelmesh", DnsType.A), _endpoint, Cancel);
        }
        // With a pause for each they would take four seconds.
        Assert.Equal(["nas.tunnelmesh. 300 10.42.0.2"], (await AskUdpAsync(_endpoint, DnsAsk.Query("nas.tunnelmesh", DnsType.A)).WaitAsync(TimeSpan.FromSeconds(2), Cancel)).Answers);
    }

    [Fact]
    public async Task Names_of_others_are_asked_of_the_next_server_when_the_first_is_dead()
    {
        await using Upstream upstream = new();
        using Socket closed = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        closed.Bind(Anywhere);
        IPEndPoint dead = (IPEndPoint)closed.LocalEndPoint!;
        closed.Dispose();
        _forwarder.Servers = [dead, upstream.Endpoint];
        _responder.Forwards = true;
        DnsAsk answer = await AskUdpAsync(_endpoint, DnsAsk.Query("example.com", DnsType.A, 1232, [1, 2, 3, 4, 5, 6, 7, 8]));
        Assert.Equal(["example.com. 60 192.0.2.1"], answer.Answers);
        Assert.Equal(["example.com. 60 192.0.2.1"], (await AskTcpAsync(_endpoint, DnsAsk.Query("example.com", DnsType.A)))[0].Answers);
        Assert.Equal((2, 0), (_server.Counts.Forwarded, _server.Counts.ForwardFailures));
        Assert.Equal(2, upstream.Asked);
    }

    [Fact]
    public async Task Forged_answers_are_passed_over()
    {
        await using Upstream upstream = new() { ForgeFirst = true };
        _forwarder.Servers = [upstream.Endpoint];
        _responder.Forwards = true;
        Assert.Equal(["example.com. 60 192.0.2.1"], (await AskUdpAsync(_endpoint, DnsAsk.Query("example.com", DnsType.A))).Answers);
    }

    [Fact]
    public async Task Without_a_server_that_answers_the_asker_is_told_so()
    {
        using Socket closed = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        closed.Bind(Anywhere);
        _forwarder.Servers = [(IPEndPoint)closed.LocalEndPoint!];
        closed.Dispose();
        _responder.Forwards = true;
        Assert.Equal(DnsResponseCode.ServerFailure, (await AskUdpAsync(_endpoint, DnsAsk.Query("example.com", DnsType.A))).Code);
        Assert.Equal(1, _server.Counts.ForwardFailures);
    }

    [Fact]
    public async Task A_server_that_asks_us_back_is_asked_a_few_times_only_and_another_one_gives_the_answer()
    {
        // Two of our own resolvers as each other's servers: the worst loop there is.
        await using DnsServer other = new(new DnsResponder(300, TimeProvider.System) { Forwards = true }, new DnsForwarder { Servers = [_endpoint] }, TimeProvider.System);
        IPEndPoint second = other.Listen(Anywhere);
        _responder.Forwards = true;
        _forwarder.Servers = [second];
        DnsAsk looped = await AskUdpAsync(_endpoint, DnsAsk.Query("example.com", DnsType.A));
        Assert.Equal(DnsResponseCode.ServerFailure, looped.Code);
        Assert.InRange(_forwarder.Forwarded, 2, 200);

        await using Upstream upstream = new();
        _forwarder.Servers = [second, upstream.Endpoint];
        Assert.Equal(["example.org. 60 192.0.2.1"], (await AskUdpAsync(_endpoint, DnsAsk.Query("example.org", DnsType.A))).Answers);
    }

    [Fact]
    public async Task With_a_detour_all_names_go_there_but_for_the_one_that_was_dialled_whatever_names_the_network_tells()
    {
        await using Upstream lan = new(), exit = new();
        _responder.Zone = DnsZone.Build([], [], 1, 10, ["vpn.example.com", "bank.example.com"]);
        _responder.Forwards = true;
        _forwarder.Servers = [lan.Endpoint];
        _forwarder.Detour = new DnsDetour([exit.Endpoint], "vpn.example.com");
        Assert.Equal(["example.com. 60 192.0.2.1"], (await AskUdpAsync(_endpoint, DnsAsk.Query("example.com", DnsType.A))).Answers);
        Assert.Equal(["example.com. 60 192.0.2.1"], (await AskTcpAsync(_endpoint, DnsAsk.Query("example.com", DnsType.A)))[0].Answers);
        Assert.Equal((0, 2), (lan.Asked, exit.Asked));
        Assert.Equal(["vpn.example.com. 60 192.0.2.1"], (await AskUdpAsync(_endpoint, DnsAsk.Query("VPN.example.com", DnsType.A))).Answers);
        Assert.Equal((1, 2), (lan.Asked, exit.Asked));
        Assert.Equal(["bank.example.com. 60 192.0.2.1"], (await AskUdpAsync(_endpoint, DnsAsk.Query("bank.example.com", DnsType.A))).Answers);
        Assert.Equal((1, 3), (lan.Asked, exit.Asked));
        _forwarder.Detour = new DnsDetour([], "vpn.example.com");
        Assert.Equal(DnsResponseCode.ServerFailure, (await AskUdpAsync(_endpoint, DnsAsk.Query("example.com", DnsType.A))).Code);
        Assert.Equal((1, 3), (lan.Asked, exit.Asked));
        _forwarder.Detour = null;
        await AskUdpAsync(_endpoint, DnsAsk.Query("example.com", DnsType.A));
        Assert.Equal(2, lan.Asked);
    }

    [Fact]
    public async Task One_member_s_slow_names_leave_places_for_the_others_and_for_this_machine()
    {
        await using Upstream upstream = new() { IsSilent = true };
        _forwarder.Servers = [upstream.Endpoint];
        Task<DnsAsk>[] slow = [.. Enumerable.Range(0, DnsForwarder.MaxOfDevice).Select(i => ForwardAsync($"slow-{i}.example.com", "10.42.0.2"))];
        // Its other address is no other share.
        Assert.Equal(DnsResponseCode.ServerFailure, (await ForwardAsync("one.example.com", "fd12:3456:789a::10.42.0.2").WaitAsync(AtOnce, Cancel)).Code);
        Assert.Equal((1, DnsForwarder.MaxOfDevice, 0), (_server.Counts.Crowded, _server.Counts.Forwarded, _server.Counts.ForwardFailures));
        upstream.IsSilent = false;
        Assert.Equal(["one.example.com. 60 192.0.2.1"], (await ForwardAsync("one.example.com", "10.42.0.3")).Answers);
        Assert.Equal(["one.example.com. 60 192.0.2.1"], (await ForwardAsync("one.example.com", null)).Answers);
        // Asked again they are answered, and then there is room.
        Assert.All(await Task.WhenAll(slow), a => Assert.Equal(DnsResponseCode.NoError, a.Code));
        Assert.Equal(["one.example.com. 60 192.0.2.1"], (await ForwardAsync("one.example.com", "10.42.0.2")).Answers);
        Assert.Equal(1, _server.Counts.Crowded);
    }

    [Fact]
    public async Task A_name_that_one_member_asks_for_over_and_over_is_still_found_for_others()
    {
        await using Upstream upstream = new() { IsSilent = true };
        _forwarder.Servers = [upstream.Endpoint];
        Task<DnsAsk>[] many = [.. Enumerable.Range(0, DnsForwarder.MaxSame).Select(_ => ForwardAsync("www.example.com", "10.42.0.2"))];
        Assert.Equal(DnsResponseCode.ServerFailure, (await ForwardAsync("www.example.com", "10.42.0.2").WaitAsync(AtOnce, Cancel)).Code);
        upstream.IsSilent = false;
        Assert.Equal(["www.example.com. 60 192.0.2.1"], (await ForwardAsync("www.example.com", "10.42.0.3")).Answers);
        Assert.All(await Task.WhenAll(many), a => Assert.Equal(DnsResponseCode.NoError, a.Code));
    }

    [Fact]
    public void Questions_are_those_of_the_device_that_they_come_from()
    {
        DnsResponder responder = new(300, TimeProvider.System) { Audience = new DnsAudience([IPAddress.Parse("10.42.0.1")], [IPNetwork.Parse("10.42.0.0/16")]) };
        Assert.Equal(DnsAsker.Own, responder.AskerOf(DnsSource.Of(IPAddress.Parse("10.42.0.1"))));
        Assert.Equal(DnsAsker.Own, responder.AskerOf(DnsSource.Of(IPAddress.Loopback)));
        Assert.Equal(new DnsAsker(false, 0x0A2A0002), responder.AskerOf(DnsSource.Of(IPAddress.Parse("10.42.0.2"))));
    }

    [Fact]
    public async Task Nonsense_over_TCP_ends_the_connection()
    {
        using TcpClient client = new();
        await client.ConnectAsync(_endpoint, Cancel);
        await client.GetStream().WriteAsync(new byte[] { 0xFF, 0xFF, 1 }, Cancel);
        try
        {
            Assert.Equal(0, await client.GetStream().ReadAsync(new byte[16], Cancel));
        }
        catch (IOException)
        {
            // Reset, as bytes were left unread: ended as well.
        }
    }

    /// <summary>Somebody else's resolver: one address for every name.</summary>
    private sealed class Upstream : IAsyncDisposable
    {
        private readonly Socket _udp;
        private readonly TcpListener _tcp;
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _running;
        private int _asked;

        public Upstream()
        {
            (_udp, _tcp) = Open();
            Endpoint = (IPEndPoint)_udp.LocalEndPoint!;
            _running = Task.WhenAll(ServeUdpAsync(), ServeTcpAsync());
        }

        public IPEndPoint Endpoint { get; }

        public int Asked => Volatile.Read(ref _asked);

        public bool ForgeFirst { get; init; }

        /// <summary>Takes questions over UDP, and says nothing.</summary>
        public bool IsSilent { get => Volatile.Read(ref field); set => Volatile.Write(ref field, value); }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            // A listener that is stopped before it is asked again says so by another exception than one that is stopped while it waits.
            await _running;
            _tcp.Stop();
            _udp.Dispose();
            _stop.Dispose();
        }

        // The port that is free for UDP may be another test's for TCP.
        private static (Socket Udp, TcpListener Tcp) Open()
        {
            for (int attempt = 1; ; attempt++)
            {
                Socket udp = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
                udp.Bind(Anywhere);
                TcpListener tcp = new((IPEndPoint)udp.LocalEndPoint!);
                try
                {
                    tcp.Start();
                    return (udp, tcp);
                }
                catch (SocketException) when (attempt < 20)
                {
                    tcp.Dispose();
                    udp.Dispose();
                }
            }
        }

        private byte[] Answer(byte[] query, string address)
        {
            Interlocked.Increment(ref _asked);
            int end = DnsQuery.HeaderSize;
            Assert.True(DnsName.TrySkip(query, ref end));
            byte[] answer = [.. query[..(end + 4)], 0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, .. IPAddress.Parse(address).GetAddressBytes()];
            (answer[2], answer[3], answer[7], answer[11]) = (0x81, 0x80, 1, 0);
            return answer;
        }

        private async Task ServeUdpAsync()
        {
            byte[] buffer = new byte[4096];
            try
            {
                while (true)
                {
                    SocketReceiveFromResult got = await _udp.ReceiveFromAsync(buffer, Anywhere, _stop.Token);
                    if (IsSilent)
                    {
                        continue;
                    }
                    byte[] answer = Answer(buffer[..got.ReceivedBytes], "192.0.2.1");
                    if (ForgeFirst)
                    {
                        byte[] forged = Answer(buffer[..got.ReceivedBytes], "192.0.2.66");
                        forged[0] ^= 0xFF;
                        await _udp.SendToAsync(forged, got.RemoteEndPoint, _stop.Token);
                        await _udp.SendToAsync(new byte[] { 1, 2, 3 }, got.RemoteEndPoint, _stop.Token);
                    }
                    await _udp.SendToAsync(answer, got.RemoteEndPoint, _stop.Token);
                }
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                // Ended.
            }
        }

        private async Task ServeTcpAsync()
        {
            try
            {
                while (true)
                {
                    using TcpClient client = await _tcp.AcceptTcpClientAsync(_stop.Token);
                    byte[] size = new byte[2];
                    await client.GetStream().ReadExactlyAsync(size, _stop.Token);
                    byte[] query = new byte[BinaryPrimitives.ReadUInt16BigEndian(size)];
                    await client.GetStream().ReadExactlyAsync(query, _stop.Token);
                    byte[] answer = Answer(query, "192.0.2.1");
                    await client.GetStream().WriteAsync((byte[])[(byte)(answer.Length >> 8), (byte)answer.Length, .. answer], _stop.Token);
                }
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException or IOException)
            {
                // Ended.
            }
        }
    }
}
