using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using TunnelMesh.Coordinator.Access;
using TunnelMesh.Coordinator.Api;
using TunnelMesh.Coordinator.Logging;
using TunnelMesh.Coordinator.Registry;
using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Addressing;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Tests.Coordinator;

/// <summary>Strangers, men in the middle, and members that misbehave.</summary>
public sealed class ControlDefenceTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static X509Certificate2 SelfSigned()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest("CN=hub", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
    }

    [Fact]
    public async Task Only_a_device_certificate_of_this_mesh_opens_a_control_stream()
    {
        await using TestMesh mesh = await TestMesh.StartAsync(), other = await TestMesh.StartAsync();
        JoinRequest request = mesh.Request();
        JoinResult own = await mesh.JoinAsync(request), foreign = await other.JoinAsync(request with { Server = other.Address });
        using X509Certificate2 noDevice = mesh.Authority.IssueServer(own.Device.Id, []), selfSigned = SelfSigned();
        foreach ((X509Certificate2? certificate, int status) in new (X509Certificate2?, int)[] { (null, 401), (foreign.Certificate.Leaf, 403), (noDevice, 403), (selfSigned, 403) })
        {
            using RawStream refused = await RawStream.ConnectAsync(mesh.Server.Port, certificate);
            Assert.Equal(status, refused.Status);
        }
        using RawStream elsewhere = await RawStream.ConnectAsync(mesh.Server.Port, null, "/api/v1/anything");
        Assert.Equal(401, elsewhere.Status);
        Assert.Equal(0, mesh.Server.Streams);
    }

    [Fact]
    public async Task Hostile_messages_end_the_stream_with_a_reason_and_harm_nobody_else()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        TestPeer watcher = await mesh.PeerAsync("watcher");
        JoinResult joined = await mesh.JoinAsync(mesh.Request("hostile"));
        string deep = string.Concat(Enumerable.Repeat("{\"a\":", 500)) + "1" + new string('}', 500);
        byte[][] hostile =
        [
            "not json"u8.ToArray(), "[]"u8.ToArray(), "{\"type\":\"endpoints\"}"u8.ToArray(), "{\"type\":\"endpoints\",\"endpoints\":null}"u8.ToArray(),
            Encoding.UTF8.GetBytes(deep), ControlCodec.Encode(RawStream.Hello()), new byte[ControlProtocol.MaxPeerMessageBytes + 1],
            ControlCodec.Encode(new EndpointsUpdate { Endpoints = [new string('x', ControlProtocol.MaxPeerMessageBytes)] }),
        ];
        foreach (byte[] message in hostile)
        {
            using RawStream stream = await RawStream.ConnectAsync(mesh.Server.Port, joined.Certificate.Leaf);
            await stream.SendAsync(RawStream.Hello());
            await stream.SendAsync(message);
            Assert.Equal(ControlErrorCodes.BadMessage, (await stream.ReceiveAsync<ErrorMessage>()).Code);
            Assert.Null(await stream.ReceiveAsync());
        }
        foreach (byte[] first in hostile.Where(m => !m.AsSpan().SequenceEqual(ControlCodec.Encode(RawStream.Hello()))))
        {
            using RawStream stream = await RawStream.ConnectAsync(mesh.Server.Port, joined.Certificate.Leaf);
            await stream.SendAsync(first);
            Assert.Equal(ControlErrorCodes.BadMessage, (await stream.ReceiveAsync<ErrorMessage>()).Code);
        }
        using RawStream binary = await RawStream.ConnectAsync(mesh.Server.Port, joined.Certificate.Leaf);
        await binary.SendAsync(RawStream.Hello());
        await binary.SendAsync(ControlCodec.Encode(new LeaveRequest()), WebSocketMessageType.Binary);
        Assert.Equal(ControlErrorCodes.BadMessage, (await binary.ReceiveAsync<ErrorMessage>()).Code);
        using RawStream notText = await RawStream.ConnectAsync(mesh.Server.Port, joined.Certificate.Leaf);
        await notText.SendAsync([0xff, 0xfe, 0x00]);
        // Text that is not UTF-8 breaks the framing itself (RFC 6455 section 8.1): the connection just ends.
        object? last = null;
        Exception? cut = await Record.ExceptionAsync(async () => last = await notText.ReceiveAsync());
        Assert.True(cut is null or WebSocketException, $"{cut}");
        Assert.Null(last);
        await watcher.SeesAsync("hostile", online: false);
        Assert.Equal(1, watcher.States.Count(s => s.Phase == ControlPhase.Connected));
    }

    [Fact]
    public async Task Aliases_that_nobody_may_have_are_left_out_and_others_keep_theirs()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        TestPeer watcher = await mesh.PeerAsync("watcher");
        JoinResult honest = await mesh.JoinAsync(mesh.Request("nas")), hostile = await mesh.JoinAsync(mesh.Request("hostile"));
        using RawStream first = await RawStream.ConnectAsync(mesh.Server.Port, honest.Certificate.Leaf);
        await first.SendAsync(RawStream.Hello() with { Aliases = ["files"] });
        await watcher.UntilAsync(m => m.ByName.TryGetValue("nas", out MapEntry? e) && e.Wire.Aliases.SequenceEqual(["files"]));

        // Of others, reserved, no names at all, twice, and more than there may be.
        string[] bad = ["nas", "watcher", "hostile", "files", "this", "ADMIN", "Mine", "$(x)", "a b", "", ".", "a.b", "-a", "a-", new string('a', 64), "b\u00fccher", "x\0y", "'; DROP TABLE aliases; --"];
        string[] good = [.. Enumerable.Range(10, 20).Select(i => $"n{i}")];
        using RawStream second = await RawStream.ConnectAsync(mesh.Server.Port, hostile.Certificate.Leaf);
        await second.SendAsync(RawStream.Hello() with { Aliases = [.. bad, .. good, .. good] });
        NetworkMap map = await watcher.UntilAsync(m => m.ByName["hostile"].Wire.Aliases.Count > 0);
        // The four that others or the device itself have as names count to what was asked for.
        Assert.Equal(good[..(MeshName.MaxAliases - 4)], map.ByName["hostile"].Wire.Aliases);
        Assert.Equal(["files"], map.ByName["nas"].Wire.Aliases);
        Assert.Equal(["files"], (await mesh.State.LoadDevicesAsync(Cancel)).Single(d => d.Name == "nas").Aliases);

        // An element that is none is a damaged message, and takes nothing away either.
        JoinResult third = await mesh.JoinAsync(mesh.Request("third"));
        foreach (string aliases in new[] { "[null]", "[1]", "\"files\"", "{}" })
        {
            using RawStream damaged = await RawStream.ConnectAsync(mesh.Server.Port, third.Certificate.Leaf);
            await damaged.SendAsync(Encoding.UTF8.GetString(ControlCodec.Encode(RawStream.Hello() with { Aliases = ["x"] })).Replace("[\"x\"]", aliases, StringComparison.Ordinal));
            Assert.Equal(ControlErrorCodes.BadMessage, (await damaged.ReceiveAsync<ErrorMessage>()).Code);
        }
        Assert.Equal(["files"], watcher.Stream.Map!.ByName["nas"].Wire.Aliases);
        Assert.Equal(1, watcher.States.Count(s => s.Phase == ControlPhase.Connected));
    }

    [Fact]
    public async Task An_unknown_type_is_answered_and_the_stream_goes_on()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        JoinResult joined = await mesh.JoinAsync(mesh.Request());
        using RawStream stream = await RawStream.ConnectAsync(mesh.Server.Port, joined.Certificate.Leaf);
        await stream.SendAsync(RawStream.Hello());
        await stream.SendAsync("{\"type\":\"from_the_future\",\"x\":1}");
        Assert.Equal(ControlErrorCodes.UnknownType, (await stream.ReceiveAsync<ErrorMessage>()).Code);
        await stream.SendAsync(new MapRequest { Epoch = "", Number = 0 });
        Assert.Single((await stream.ReceiveAsync<MapFull>()).Devices);
    }

    [Fact]
    public async Task A_flood_of_messages_and_a_version_nobody_speaks_are_refused_by_name()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        JoinResult joined = await mesh.JoinAsync(mesh.Request());
        using RawStream stream = await RawStream.ConnectAsync(mesh.Server.Port, joined.Certificate.Leaf);
        await stream.SendAsync(RawStream.Hello());
        for (int i = 0; i < 50; i++)
        {
            await stream.SendAsync(new MapRequest { Epoch = "", Number = 0 });
        }
        ErrorMessage error = await stream.ReceiveAsync<ErrorMessage>();
        Assert.Equal(ControlErrorCodes.RateLimited, error.Code);
        Assert.NotEqual(0, error.RetryAfterSeconds);

        using RawStream future = await RawStream.ConnectAsync(mesh.Server.Port, joined.Certificate.Leaf);
        await future.SendAsync(RawStream.Hello() with { Version = 99, OldestVersion = 98 });
        Assert.Equal(ControlErrorCodes.UnsupportedVersion, (await future.ReceiveAsync<ErrorMessage>()).Code);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_server_that_has_proved_nothing_is_given_little_room(bool packed)
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        using X509Certificate2 mine = SelfSigned();
        JoinChallenge challenge = new() { Version = 1, Nonce = new byte[32], EphemeralKey = new byte[32], CaCertificates = [mesh.Root], UnixTimeMs = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() };
        byte[] large = [.. ControlCodec.Encode(challenge), .. Enumerable.Repeat((byte)' ', 1 << 20)];
        await using TlsRelay server = await TlsRelay.StartAsync(mine, serve: async context =>
        {
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            await socket.ReceiveAsync(new byte[4096].AsMemory(), context.RequestAborted);
            await (packed
                ? socket.SendAsync(ControlCodec.Pack(large), WebSocketMessageType.Binary, true, context.RequestAborted)
                : socket.SendAsync(large, WebSocketMessageType.Text, true, context.RequestAborted));
            await socket.ReceiveAsync(new byte[4096].AsMemory(), context.RequestAborted);
        });
        ControlException refused = await Assert.ThrowsAsync<ControlException>(() => mesh.JoinAsync(mesh.Request() with { Server = new CoordinatorAddress("127.0.0.1", server.Port) }));
        Assert.Equal(packed ? ControlFailure.NotACoordinator : ControlErrorCodes.BadMessage, refused.Code);
    }

    [Fact]
    public async Task What_a_stranger_says_reaches_nobody_as_control_characters()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        using X509Certificate2 mine = SelfSigned();
        await using TlsRelay server = await TlsRelay.StartAsync(mine, serve: async context =>
        {
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            await socket.SendAsync(ControlCodec.Encode(new ErrorMessage { Code = "x", Message = "\u001b]0;owned\u0007 now" }), WebSocketMessageType.Text, true, context.RequestAborted);
            await socket.ReceiveAsync(new byte[4096].AsMemory(), context.RequestAborted);
        });
        ControlException refused = await Assert.ThrowsAsync<ControlException>(() => mesh.JoinAsync(mesh.Request() with { Server = new CoordinatorAddress("127.0.0.1", server.Port) }));
        Assert.Equal(" ]0;owned  now", refused.Message);
    }

    [Fact]
    public async Task A_man_in_the_middle_of_a_join_learns_nothing_and_is_refused_by_the_coordinator()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        using X509Certificate2 mine = SelfSigned(), stolen = mesh.Authority.IssueServer("hub", []);
        foreach (X509Certificate2 certificate in new[] { mine, stolen })
        {
            await using TlsRelay relay = await TlsRelay.StartAsync(certificate, [mesh.Authority.Issuer]);
            relay.Target = mesh.Server.Port;
            JoinRequest request = mesh.Request() with { Server = new CoordinatorAddress("127.0.0.1", relay.Port) };
            ControlException refused = await Assert.ThrowsAsync<ControlException>(() => mesh.JoinAsync(request));
            Assert.Equal(ControlErrorCodes.ProofRefused, refused.Code);
            Assert.True(relay.Seen.Count >= 4);
            byte[] tokenKey = JoinProofs.TokenKey(mesh.Token);
            foreach (string text in relay.Seen.Select(Encoding.UTF8.GetString))
            {
                foreach (string secret in new[] { mesh.Token, Convert.ToBase64String(Encoding.UTF8.GetBytes(mesh.Token)), Convert.ToBase64String(Convert.FromHexString(mesh.Token)), Convert.ToBase64String(tokenKey), Convert.ToBase64String(request.Device.Private) })
                {
                    Assert.DoesNotContain(secret, text, StringComparison.OrdinalIgnoreCase);
                }
                Assert.DoesNotContain(JoinAccepted.TypeName, text, StringComparison.Ordinal);
            }
        }
        Assert.Empty(await mesh.State.LoadDevicesAsync(Cancel));
    }

    [Fact]
    public async Task Wrong_tokens_keep_nobody_behind_their_address_from_renewing_and_bad_renewals_are_limited_too()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        JoinRequest member = mesh.Request("member");
        await mesh.JoinAsync(member);
        CoordinatorClient client = new(TimeProvider.System);
        for (int i = 0; i < ProofRateLimiter.MaxFailures; i++)
        {
            ControlException refused = await Assert.ThrowsAsync<ControlException>(() => client.JoinAsync(mesh.Request(), new string('0', 32), Cancel));
            Assert.Equal(ControlErrorCodes.ProofRefused, refused.Code);
        }
        Assert.Equal(ControlErrorCodes.RateLimited, (await Assert.ThrowsAsync<ControlException>(() => mesh.JoinAsync(mesh.Request()))).Code);
        Assert.Equal("member", (await client.RenewAsync(member, mesh.Root, Cancel)).Device.Name);

        using X509Certificate2 stolen = mesh.Authority.IssueServer("hub", []);
        await using TlsRelay between = await TlsRelay.StartAsync(stolen, [mesh.Authority.Issuer]);
        between.Target = mesh.Server.Port;
        for (int i = 0; i < ProofRateLimiter.MaxFailures; i++)
        {
            ControlException refused = await Assert.ThrowsAsync<ControlException>(() => client.RenewAsync(member with { Server = new CoordinatorAddress("127.0.0.1", between.Port) }, mesh.Root, Cancel));
            Assert.Equal(ControlErrorCodes.ProofRefused, refused.Code);
        }
        Assert.Equal(ControlErrorCodes.RateLimited, (await Assert.ThrowsAsync<ControlException>(() => client.RenewAsync(member, mesh.Root, Cancel))).Code);
    }

    [Theory]
    [InlineData(ControlProtocol.JoinPath)]
    [InlineData(ControlProtocol.RenewPath)]
    public async Task A_stranger_is_answered_as_soon_as_its_message_is_too_long(string path)
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        using RawStream stranger = await RawStream.ConnectAsync(mesh.Server.Port, null, path);
        await stranger.SendPartAsync(new byte[ControlProtocol.MaxStrangerMessageBytes]);
        Assert.Equal(ControlErrorCodes.BadMessage, (await stranger.ReceiveAsync<ErrorMessage>()).Code);
    }

    [Fact]
    public async Task A_man_in_the_middle_who_plays_the_coordinator_is_refused_by_the_device()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        using X509Certificate2 mine = SelfSigned();
        JoinProof? got = null;
        await using TlsRelay actor = await TlsRelay.StartAsync(mine, serve: async context =>
        {
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            PeerMessageReader reader = new(socket);
            JoinHello hello = (JoinHello)(await reader.ReadAsync(Cancel)).Message!;
            await socket.SendAsync(ControlCodec.Encode(new JoinChallenge
            {
                Version = 1,
                Nonce = new byte[32],
                EphemeralKey = DeviceKey.Generate(RandomNumberGenerator.Fill).Public.ToArray(),
                CaCertificates = [mesh.Root, mesh.Authority.Issuer.RawData],
                UnixTimeMs = hello.UnixTimeMs,
            }), WebSocketMessageType.Text, true, Cancel);
            got = (JoinProof)(await reader.ReadAsync(Cancel)).Message!;
            // The best it can do without the token: give the device's own proof back.
            await socket.SendAsync(ControlCodec.Encode(new JoinAccepted
            {
                TokenProof = got.TokenProof,
                Certificates = [mine.RawData],
                Mesh = new MeshInfo { MeshId = "0123456789", Cidr = "10.42.0.0/16", Cidr6 = "fd01:2345:6789::/48", Domain = "tunnelmesh", MapMaxAgeSeconds = 1 },
                Device = NodeControl.NetworkMapTests.Device("x", 1),
            }), WebSocketMessageType.Text, true, Cancel);
            await reader.ReadAsync(Cancel);
        });
        ControlException refused = await Assert.ThrowsAsync<ControlException>(() => mesh.JoinAsync(mesh.Request() with { Server = new CoordinatorAddress("127.0.0.1", actor.Port) }));
        Assert.Equal(ControlFailure.ProofMismatch, refused.Code);
        Assert.NotNull(got);
    }

    [Fact]
    public async Task A_device_certificate_never_passes_for_a_coordinator_even_with_the_token()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        JoinRequest victim = mesh.Request("victim");
        JoinResult joined = await mesh.JoinAsync(victim), traitor = await mesh.JoinAsync(mesh.Request("traitor"));
        X509Certificate2 leaf = traitor.Certificate.Leaf;

        // It knows the token, so its proofs are good; only the role tells.
        MeshRegistry registry = await MeshRegistry.LoadAsync(mesh.State, TimeSpan.FromDays(1), null, Cancel);
        TokenSet tokens = new(await mesh.State.LoadTokensAsync(Cancel), default);
        JoinHandler handler = new(new CoordinatorServerOptions { Listen = new(0, 0), Name = "hub", State = mesh.State, Authority = mesh.Authority }, registry, new ProofRateLimiter(TimeProvider.System), new ProofRateLimiter(TimeProvider.System), new RefusalLog(NullLogger.Instance, TimeProvider.System), () => tokens);
        TaskCompletionSource served = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TlsRelay actor = await TlsRelay.StartAsync(leaf, [mesh.Authority.Issuer], serve: async context =>
        {
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            await handler.HandleAsync(socket, System.Net.IPAddress.Loopback, MeshCertificateValidator.SpkiSha256(leaf), false, Cancel);
            served.SetResult();
        });
        CoordinatorAddress there = new("127.0.0.1", actor.Port);
        ControlException refused = await Assert.ThrowsAsync<ControlException>(() => mesh.JoinAsync(mesh.Request("newcomer") with { Server = there }));
        Assert.Equal(ControlFailure.Tls, refused.Code);
        Assert.Contains("not a coordinator", refused.Message, StringComparison.Ordinal);
        await served.Task.WaitAsync(TimeSpan.FromSeconds(10), Cancel);

        await using TlsRelay relay = await TlsRelay.StartAsync(leaf, [mesh.Authority.Issuer], joined.Certificate.Leaf);
        relay.Target = mesh.Server.Port;
        TestPeer peer = mesh.Run(victim with { Server = new CoordinatorAddress("127.0.0.1", relay.Port) }, joined.Certificate);
        await peer.UntilStateAsync(s => s.Problem is { } problem && problem.Contains("not a coordinator", StringComparison.Ordinal));
        Assert.Empty(relay.Seen);
        Assert.Null(peer.Stream.Map);
    }
}
