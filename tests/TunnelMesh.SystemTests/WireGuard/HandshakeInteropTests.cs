using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.WireGuard;

/// <summary>Our handshake and sessions against wireguard-go, in both roles, over IPv4 and IPv6, with a preshared key.</summary>
public sealed class HandshakeInteropTests
{
    private static readonly TimeProvider Time = TimeProvider.System;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task We_initiate_and_ping(bool overIPv6)
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        using Keys keys = await Keys.CreateAsync(cancel);
        await using Underlay underlay = await Underlay.CreateAsync(cancel);
        NetworkNamespace theirs = await underlay.AddMachineAsync(cancel);
        NetworkNamespace ours = await underlay.AddMachineAsync(cancel);
        await using WireGuardGo remote = await WireGuardGo.StartAsync(underlay, theirs, keys.Configuration("ListenPort = 51820", endpoint: null), ["10.9.0.1/24"], cancel);
        using Socket socket = NamespaceSocket.Bind(ours, IPAddress.Parse(overIPv6 ? ours.Address6 : ours.Address));
        IPEndPoint endpoint = new(IPAddress.Parse(overIPv6 ? theirs.Address6 : theirs.Address), 51820);

        byte[] initiation = new byte[WireGuardMessage.InitiationSize];
        using InitiatorHandshake handshake = InitiatorHandshake.Create(
            keys.Local, keys.Remote, keys.Preshared, 7, Tai64n.From(Time.GetUtcNow()), [], RandomNumberGenerator.Fill, initiation)!;
        await socket.SendToAsync(initiation, endpoint, cancel);
        byte[] response = await ReceiveAsync(socket, endpoint, remote, cancel);
        Assert.True(handshake.TryConsume(response, Time.GetTimestamp(), Time, out TransportKeypair? session), remote.Output);
        using (session)
        {
            await socket.SendToAsync(Seal(session!, Echo.Request("10.9.0.2", "10.9.0.1")), endpoint, cancel);
            Assert.True(Echo.IsReply(await PacketAsync(socket, endpoint, session!, remote, cancel)));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task They_initiate_and_ping(bool overIPv6)
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        using Keys keys = await Keys.CreateAsync(cancel);
        await using Underlay underlay = await Underlay.CreateAsync(cancel);
        NetworkNamespace theirs = await underlay.AddMachineAsync(cancel);
        NetworkNamespace ours = await underlay.AddMachineAsync(cancel);
        using Socket socket = NamespaceSocket.Bind(ours, IPAddress.Parse(overIPv6 ? ours.Address6 : ours.Address));
        await using WireGuardGo remote = await WireGuardGo.StartAsync(underlay, theirs, keys.Configuration("", socket.LocalEndPoint), ["10.9.0.1/24"], cancel);
        Task<bool> ping = theirs.ReachesAsync("10.9.0.2", 10, cancel);

        (byte[] initiation, EndPoint from) = await ReceiveFromAsync(socket, remote, cancel);
        CookieResponder cookies = new(keys.Local, Time, RandomNumberGenerator.Fill);
        Assert.True(cookies.IsMac1Valid(initiation));
        using ReceivedInitiation? received = ReceivedInitiation.TryRead(keys.Local, initiation);
        Assert.NotNull(received);
        Assert.Equal(keys.Remote, received.RemotePublic.ToArray());
        byte[] response = new byte[WireGuardMessage.ResponseSize];
        using TransportKeypair session = received.Respond(keys.Preshared, 9, [], RandomNumberGenerator.Fill, Time.GetTimestamp(), Time, response)!;
        await socket.SendToAsync(response, from, cancel);
        while (!ping.IsCompleted)
        {
            byte[] packet = await PacketAsync(socket, from, session, remote, cancel);
            if (Echo.IsRequest(packet))
            {
                await socket.SendToAsync(Seal(session, Echo.Answer(packet)), from, cancel);
                break;
            }
        }
        Assert.True(await ping, remote.Output);
    }

    [Fact]
    public async Task They_keep_our_cookie_under_load()
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        using Keys keys = await Keys.CreateAsync(cancel);
        await using Underlay underlay = await Underlay.CreateAsync(cancel);
        NetworkNamespace theirs = await underlay.AddMachineAsync(cancel);
        NetworkNamespace ours = await underlay.AddMachineAsync(cancel);
        using Socket socket = NamespaceSocket.Bind(ours, IPAddress.Parse(ours.Address));
        await using WireGuardGo remote = await WireGuardGo.StartAsync(underlay, theirs, keys.Configuration("", socket.LocalEndPoint), ["10.9.0.1/24"], cancel);
        Task<bool> ping = theirs.ReachesAsync("10.9.0.2", 12, cancel);

        CookieResponder cookies = new(keys.Local, Time, RandomNumberGenerator.Fill);
        byte[] source = [1, 2, 3, 4];
        (byte[] first, EndPoint from) = await ReceiveFromAsync(socket, remote, cancel);
        Assert.False(cookies.IsMac2Valid(first, source));
        byte[] reply = new byte[WireGuardMessage.CookieReplySize];
        cookies.WriteReply(first, source, reply);
        await socket.SendToAsync(reply, from, cancel);
        // Its own retry, five seconds later, must carry the cookie.
        (byte[] second, _) = await ReceiveFromAsync(socket, remote, cancel);
        Assert.Equal(WireGuardMessage.Initiation, WireGuardMessage.TypeOf(second));
        Assert.True(cookies.IsMac2Valid(second, source), remote.Output);
        await ping;
    }

    private static byte[] Seal(TransportKeypair session, byte[] packet)
    {
        int padded = WireGuardMessage.Padded(packet.Length, 1420);
        byte[] datagram = new byte[padded + WireGuardMessage.TransportOverhead];
        packet.CopyTo(datagram, WireGuardMessage.TransportHeaderSize);
        Assert.Equal(datagram.Length, session.Seal(datagram, packet.Length, padded, Time.GetTimestamp()));
        return datagram;
    }

    /// <summary>The next packet that is not a keepalive.</summary>
    private static async Task<byte[]> PacketAsync(Socket socket, EndPoint from, TransportKeypair session, WireGuardGo remote, CancellationToken cancel)
    {
        while (true)
        {
            byte[] datagram = await ReceiveAsync(socket, from, remote, cancel);
            Assert.Equal(OpenResult.Opened, session.Open(datagram, Time.GetTimestamp(), out int length));
            if (length > 0)
            {
                return datagram[WireGuardMessage.TransportHeaderSize..(WireGuardMessage.TransportHeaderSize + length)];
            }
        }
    }

    private static async Task<byte[]> ReceiveAsync(Socket socket, EndPoint from, WireGuardGo remote, CancellationToken cancel)
    {
        (byte[] datagram, EndPoint sender) = await ReceiveFromAsync(socket, remote, cancel);
        Assert.Equal(from, sender);
        return datagram;
    }

    private static async Task<(byte[] Datagram, EndPoint From)> ReceiveFromAsync(Socket socket, WireGuardGo remote, CancellationToken cancel)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(15));
        byte[] buffer = new byte[2048];
        try
        {
            SocketReceiveFromResult result = await socket.ReceiveFromAsync(buffer, new IPEndPoint(
                socket.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, 0), limit.Token);
            return (buffer[..result.ReceivedBytes], result.RemoteEndPoint);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new TimeoutException($"wireguard-go sent nothing in 15 s:\n{remote.Output}");
        }
    }

    private sealed record Keys(LocalStatic Local, byte[] Remote, byte[] Preshared, string RemotePrivate) : IDisposable
    {
        public static async Task<Keys> CreateAsync(CancellationToken cancel)
        {
            WireGuardKeys remote = await WireGuardKeys.CreateAsync(cancel);
            return new Keys(new LocalStatic(RandomNumberGenerator.GetBytes(32)), Convert.FromBase64String(remote.Public.Trim()), RandomNumberGenerator.GetBytes(32), remote.Private);
        }

        public string Configuration(string interfaceLine, EndPoint? endpoint) =>
            $"""
            [Interface]
            PrivateKey = {RemotePrivate}
            {interfaceLine}
            [Peer]
            PublicKey = {Convert.ToBase64String(Local.PublicKey.Span)}
            PresharedKey = {Convert.ToBase64String(Preshared)}
            AllowedIPs = 10.9.0.2/32
            {(endpoint is null ? "" : $"Endpoint = {endpoint}")}
            """;

        public void Dispose() => Local.Dispose();
    }
}
